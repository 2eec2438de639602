// The two sums that gradients go through: with each other, and over their squares.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/simd.hpp"

namespace microgpt::kernels {

/// to = a + b, element by element; `to` may be one of them.
template <class Scalar>
inline void add(const Scalar* a, const Scalar* b, std::size_t count, Scalar* to) {
  constexpr auto kWidth = static_cast<std::size_t>(kLanes<Scalar>);
  std::size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) store(to + i, load(a + i) + load(b + i));
  for (; i < count; ++i) to[i] = a[i] + b[i];
}

/// Σ x², in double; not finite where any x is not.
template <class Scalar>
double sum_of_squares(std::span<const Scalar> values);

}  // namespace microgpt::kernels
