// What is one long chain of operations for each vector, every one waiting for the one before, is
// done for several vectors side by side, stage by stage. A core looks ahead over about a hundred
// operations that wait: in the order of the vectors these are two or three chains, in the order of
// the stages all of them.
#pragma once

#include <type_traits>

#include "kernels/matrix.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {

/// Calls body(count, first column) for all columns, Many vectors at a time and then one by one;
/// count is a constant, which may be the size of an array. The last vector may reach behind the
/// last column.
template <int Many, class Scalar, class Body>
[[gnu::always_inline]] inline void for_side_by_side(Index columns, Body&& body) {
  constexpr std::integral_constant<int, Many> kMany;
  constexpr std::integral_constant<int, 1> kOne;
  Index first = 0;
  for (; first + Many * kLanes<Scalar> <= columns; first += Many * kLanes<Scalar>) {
    body(kMany, first);
  }
  for (; first < columns; first += kLanes<Scalar>) body(kOne, first);
}

}  // namespace microgpt::kernels
