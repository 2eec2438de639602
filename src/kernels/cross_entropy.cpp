#include "kernels/cross_entropy.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/rows.hpp"

namespace microgpt::kernels {

template <class Scalar>
Scalar exp_weights(Scalar* logits, Index count, Scalar scale, Scalar& maximum) {
  const Index width = padded<Scalar>(count);
  // Whole vectors: the padding repeats an element, so that nothing there can overflow.
  std::fill(logits + count, logits + width, logits[0]);
  Row<Scalar> row(logits, width);
  maximum = row.maxCoeff();
  row = ((row - maximum) * scale).exp();
  std::fill(logits + count, logits + width, Scalar{0});
  return row.sum();
}

template <class Scalar>
double cross_entropy(Scalar* logits, Index count, Index target) {
  const Scalar target_logit = logits[target];
  Scalar maximum;
  const Scalar sum = exp_weights(logits, count, Scalar{1}, maximum);
  return static_cast<double>(std::log(sum) - (target_logit - maximum));
}

template <class Scalar>
double cross_entropy_with_gradient(Scalar* logits, Index count, Index target,
                                   Scalar gradient_scale) {
  const Scalar target_logit = logits[target];
  Scalar maximum;
  const Scalar sum = exp_weights(logits, count, Scalar{1}, maximum);
  Row<Scalar>(logits, padded<Scalar>(count)) *= gradient_scale / sum;
  logits[target] -= gradient_scale;
  return static_cast<double>(std::log(sum) - (target_logit - maximum));
}

#define MICROGPT_INSTANTIATE(Scalar)                            \
  template Scalar exp_weights(Scalar*, Index, Scalar, Scalar&); \
  template double cross_entropy(Scalar*, Index, Index);         \
  template double cross_entropy_with_gradient(Scalar*, Index, Index, Scalar);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
