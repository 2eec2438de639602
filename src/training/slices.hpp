// Gradients are reduced, and parameters updated, in slices: the pieces that workers and processes
// share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "microgpt/aligned_buffer.hpp"

namespace microgpt {

/// Scalars in a slice: 8 or 16 KiB each of gradient, parameters and moments, which the first-level
/// cache holds. The squared norm of a gradient is the sum over its slices, so the bits of a clipped
/// run depend on this.
inline constexpr std::size_t kSlice = 2048;

/// In a block of `size` scalars; the last may be shorter.
[[nodiscard]] constexpr std::size_t count_slices(std::size_t size) {
  return (size + kSlice - 1) / kSlice;
}

/// Slice `index` of a block.
template <class Scalar>
[[nodiscard]] std::span<Scalar> slice_of(std::span<Scalar> block, std::size_t index) {
  const std::size_t first = index * kSlice;
  return block.subspan(first, std::min(kSlice, block.size() - first));
}

template <class Scalar>
[[nodiscard]] std::span<Scalar> slice_of(AlignedBuffer<Scalar>& buffer, std::size_t index) {
  return slice_of(buffer.values(), index);
}

}  // namespace microgpt
