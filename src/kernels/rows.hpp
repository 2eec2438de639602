// Rows of numbers as Eigen arrays, for the element-wise mathematics between the products.
//
// Eigen sums a row in vectors from the first aligned address on. Rows of our own buffers start on a
// vector boundary (their stride is padded), so that equal rows have equal sums wherever they lie.
#pragma once

#include <Eigen/Core>

#include "kernels/product.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {

/// What Eigen may assume of a row: padded strides keep each on a vector boundary.
inline constexpr int kRowAlignment = static_cast<int>(kVectorBytes);

template <class Scalar>
using Row = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>, kRowAlignment>;
template <class Scalar>
using ConstRow = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>, kRowAlignment>;

template <class Scalar>
Row<Scalar> row_of(Matrix<Scalar> matrix, Index r) {
  return Row<Scalar>(matrix.row(r), matrix.cols);
}
template <class Scalar>
ConstRow<Scalar> row_of(Matrix<const Scalar> matrix, Index r) {
  return ConstRow<Scalar>(matrix.row(r), matrix.cols);
}

}  // namespace microgpt::kernels
