// Softmax and cross-entropy of one row of logits.
#pragma once

#include "kernels/product.hpp"

namespace microgpt::kernels {

/// Replaces logits[0 .. count) by scale-d softmax weights: w_i = exp(scale · (logits_i - max)) and
/// returns their sum, so that softmax_i = w_i / sum; `maximum` receives max. The row is aligned and
/// has room for padded(count) scalars, of which those behind `count` become 0.
template <class Scalar>
Scalar exp_weights(Scalar* logits, Index count, Scalar scale, Scalar& maximum);

/// -log softmax(logits)[target], natural logarithm. Spends the row.
template <class Scalar>
double cross_entropy(Scalar* logits, Index count, Index target);

/// The same; the row becomes the gradient of gradient_scale · loss:
///   gradient_scale · (softmax(logits) - onehot(target)), and 0 behind `count`.
template <class Scalar>
double cross_entropy_with_gradient(Scalar* logits, Index count, Index target,
                                   Scalar gradient_scale);

}  // namespace microgpt::kernels
