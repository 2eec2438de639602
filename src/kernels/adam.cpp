#include "kernels/adam.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/simd.hpp"

namespace microgpt::kernels {

template <class Scalar>
void adam_update(const AdamStep& step, std::span<const Scalar> gradient,
                 std::span<Scalar> parameters, std::span<Scalar> m, std::span<Scalar> v) {
  const auto beta1 = static_cast<Scalar>(step.beta1);
  const auto beta2 = static_cast<Scalar>(step.beta2);
  const auto rest1 = static_cast<Scalar>(1 - step.beta1);
  const auto rest2 = static_cast<Scalar>(1 - step.beta2);
  const auto unbias1 = static_cast<Scalar>(1 / step.bias_correction1);
  const auto unbias2 = static_cast<Scalar>(1 / step.bias_correction2);
  const auto scale = static_cast<Scalar>(step.gradient_scale);
  const auto epsilon = static_cast<Scalar>(step.epsilon);
  const auto learning_rate = static_cast<Scalar>(step.learning_rate);
  const auto decay = static_cast<Scalar>(step.learning_rate * step.weight_decay);

  const Scalar* g = gradient.data();
  Scalar* p = parameters.data();
  Scalar* m1 = m.data();
  Scalar* m2 = v.data();
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const Scalar slope = g[i] * scale;
    const Scalar mean = beta1 * m1[i] + rest1 * slope;
    const Scalar square = beta2 * m2[i] + rest2 * slope * slope;
    m1[i] = mean;
    m2[i] = square;
    const Scalar update = mean * unbias1 / (std::sqrt(square * unbias2) + epsilon);
    p[i] -= learning_rate * update + decay * p[i];
  }
}

template <class Scalar>
void add(const Scalar* a, const Scalar* b, std::size_t count, Scalar* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] = a[i] + b[i];
}

template <class Scalar>
double sum_of_squares(std::span<const Scalar> values) {
  // Chains that do not wait for each other, added in pairs in the end.
  constexpr int kChains = 8;
  constexpr auto kWidth = static_cast<std::size_t>(kLanes<double>);
  Vector<double> sums[kChains] = {};
  const Scalar* next = values.data();
  std::size_t left = values.size();
  for (; left >= kChains * kWidth; left -= kChains * kWidth, next += kChains * kWidth) {
    unrolled<kChains>([&](auto c) __attribute__((always_inline)) {
      const Vector<double> value = load_as_double(next + c * kWidth);
      sums[c] += value * value;
    });
  }
  for (std::size_t c = 0; left > 0; ++c) {
    const std::size_t count = std::min(left, kWidth);
    for (std::size_t lane = 0; lane < count; ++lane) {
      const auto value = static_cast<double>(next[lane]);
      sums[c][lane] += value * value;
    }
    next += count;
    left -= count;
  }
  for (int half = kChains / 2; half > 0; half /= 2) {
    for (int c = 0; c < half; ++c) sums[c] += sums[c + half];
  }
  for (std::size_t half = kWidth / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) sums[0][lane] += sums[0][lane + half];
  }
  return sums[0][0];
}

#define MICROGPT_INSTANTIATE(Scalar)                                                     \
  template void adam_update(const AdamStep&, std::span<const Scalar>, std::span<Scalar>, \
                            std::span<Scalar>, std::span<Scalar>);                       \
  template void add(const Scalar*, const Scalar*, std::size_t, Scalar*);                 \
  template double sum_of_squares(std::span<const Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
