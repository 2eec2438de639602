// Adam with bias correction (Kingma and Ba, 2015) and decoupled weight decay (Loshchilov and
// Hutter, 2019).
#pragma once

#include <span>

namespace microgpt::kernels {

/// The numbers of one step t (counted from 1), the same for every parameter.
struct AdamStep {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  double bias_correction1;      ///< 1 - beta1^t
  double bias_correction2;      ///< 1 - beta2^t
  double gradient_scale = 1.0;  ///< below 1 where the gradient is clipped
};

/// m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g²;
/// p -= lr (m̂ / (sqrt(v̂) + eps) + weight_decay p). The four spans are of equal length. Moments stay
/// normal numbers, or m 0, however long a gradient is 0. Returns (1-b2) Σ g², by sums of Scalar:
/// where that is not finite, the other three spans are of no use any more.
template <class Scalar>
Scalar adam_update(const AdamStep& step, std::span<const Scalar> gradient,
                   std::span<Scalar> parameters, std::span<Scalar> m, std::span<Scalar> v);

}  // namespace microgpt::kernels
