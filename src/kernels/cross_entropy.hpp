// Softmax and cross-entropy. Logits are characters x positions: one position a lane, so that the
// softmax of a whole vector of positions is sums down the characters.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/matrix.hpp"

namespace microgpt::kernels {

/// losses[p] = -log softmax(logits_p)[targets[p]], natural logarithm, for positions 0 ..
/// targets.size() - 1. Spends the logits; whole vectors of positions are read and written.
template <class Scalar>
void cross_entropy(const Matrix<Scalar>& logits, std::span<const std::int32_t> targets,
                   std::span<Scalar> losses);

/// The same; the logits become the gradient of Σ_p scales[p] · losses[p]:
///   scales[p] · (softmax(logits_p) - onehot(targets[p])).
/// `scales` has a number for every column of the logits, 0 for those behind the last position.
template <class Scalar>
void cross_entropy_with_gradient(const Matrix<Scalar>& logits,
                                 std::span<const std::int32_t> targets, const Scalar* scales,
                                 std::span<Scalar> losses);

}  // namespace microgpt::kernels
