#include "kernels/transpose.hpp"

#include <algorithm>

namespace microgpt::kernels {
namespace {

// Rows row .. row + count - 1 of `from`, one vector of columns, become that many columns of `to`;
// with Whole, count is the number of lanes.
template <bool Whole, class Scalar>
void transpose_block(const Matrix<const Scalar>& from, const Matrix<Scalar>& to, Index row,
                     Index column, Index count) {
  constexpr int kCount = static_cast<int>(kLanes<Scalar>);
  VectorSquare<Scalar> square;
  unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
    square[v] = Whole || v < count ? load(from.row(row + v) + column) : Vector<Scalar>{};
  });
  transpose_square<Scalar>(square);
  const Index rows_left = to.rows - column;
  unrolled<kCount>([&](auto v) __attribute__((always_inline)) {
    if (v < rows_left) store(to.row(column + v) + row, square[v]);
  });
}

}  // namespace

template <class Scalar>
void transpose(const Matrix<const Scalar>& from, const Matrix<Scalar>& to) {
  for (Index row = 0; row < from.rows; row += kLanes<Scalar>) {
    const Index count = std::min(kLanes<Scalar>, from.rows - row);
    for (Index column = 0; column < from.cols; column += kLanes<Scalar>) {
      if (count == kLanes<Scalar>) {
        transpose_block<true>(from, to, row, column, count);
      } else {
        transpose_block<false>(from, to, row, column, count);
      }
    }
  }
}

template void transpose(const Matrix<const float>&, const Matrix<float>&);
template void transpose(const Matrix<const double>&, const Matrix<double>&);

}  // namespace microgpt::kernels
