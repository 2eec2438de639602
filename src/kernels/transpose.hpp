// Matrices with rows and columns exchanged, a square of vectors at a time in registers.
#pragma once

#include "kernels/matrix.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {

/// As many vectors as one has lanes.
template <class Scalar>
using VectorSquare = Vector<Scalar>[kLanes<Scalar>];

/// Lane l of vector v changes places with lane v of vector l: blocks of d x d are exchanged across
/// the diagonal of blocks of 2d x 2d, for d = 1, 2, 4, … (Eklundh, 1972).
template <class Scalar, int Distance = 1>
[[gnu::always_inline]] inline void transpose_square(VectorSquare<Scalar>& square) {
  constexpr int kCount = static_cast<int>(kLanes<Scalar>);
  if constexpr (Distance < kCount) {
    unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
      if constexpr ((v & Distance) == 0) {
        const Vector<Scalar> upper = square[v];
        const Vector<Scalar> lower = square[v + Distance];
        [&]<int... L>(std::integer_sequence<int, L...>) __attribute__((always_inline)) {
          square[v] = shuffle(
              upper, lower,
              std::integer_sequence<int, ((L & Distance) == 0 ? L : kCount + L - Distance)...>{});
          square[v + Distance] = shuffle(
              upper, lower,
              std::integer_sequence<int, ((L & Distance) == 0 ? L + Distance : kCount + L)...>{});
        }
        (std::make_integer_sequence<int, kCount>{});
      }
    });
    transpose_square<Scalar, 2 * Distance>(square);
  }
}

/// to = fromᵀ. Both may be read or written up to whole vectors behind the end of each row.
template <class Scalar>
void transpose(const Matrix<const Scalar>& from, const Matrix<Scalar>& to);

/// The same with each column of `from` multiplied by its element of `scales`.
template <class Scalar>
void transpose_scaled(const Matrix<const Scalar>& from, const Scalar* scales,
                      const Matrix<Scalar>& to);

}  // namespace microgpt::kernels
