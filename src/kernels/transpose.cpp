#include "kernels/transpose.hpp"

#include <algorithm>

namespace microgpt::kernels {
namespace {

// Rows row .. row + count - 1 of `from`, one vector of columns, become that many columns of `to`;
// with Whole, count is the number of lanes.
template <bool Whole, class Scalar>
void transpose_block(const Matrix<const Scalar>& from, Vector<Scalar> scale,
                     const Matrix<Scalar>& to, Index row, Index column, Index count) {
  constexpr int kCount = static_cast<int>(kLanes<Scalar>);
  VectorSquare<Scalar> square;
  unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
    square[v] = Whole || v < count ? load(from.row(row + v) + column) * scale : Vector<Scalar>{};
  });
  transpose_square<Scalar>(square);
  const Index rows_left = to.rows - column;
  unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
    if (v < rows_left) store(to.row(column + v) + row, square[v]);
  });
}

template <class Scalar, class ScaleAt>
void transpose_blocks(const Matrix<const Scalar>& from, ScaleAt&& scale_at,
                      const Matrix<Scalar>& to) {
  for (Index column = 0; column < from.cols; column += kLanes<Scalar>) {
    const Vector<Scalar> scale = scale_at(column);
    Index row = 0;
    for (; row + kLanes<Scalar> <= from.rows; row += kLanes<Scalar>) {
      transpose_block<true>(from, scale, to, row, column, kLanes<Scalar>);
    }
    if (row < from.rows) transpose_block<false>(from, scale, to, row, column, from.rows - row);
  }
}

}  // namespace

template <class Scalar>
void transpose(const Matrix<const Scalar>& from, const Matrix<Scalar>& to) {
  transpose_blocks(
      from, [](Index) { return broadcast<Scalar>(1); }, to);
}

template <class Scalar>
void transpose_scaled(const Matrix<const Scalar>& from, const Scalar* scales,
                      const Matrix<Scalar>& to) {
  transpose_blocks(
      from, [scales](Index column) { return load(scales + column); }, to);
}

#define MICROGPT_INSTANTIATE(Scalar)                                           \
  template void transpose(const Matrix<const Scalar>&, const Matrix<Scalar>&); \
  template void transpose_scaled(const Matrix<const Scalar>&, const Scalar*, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
