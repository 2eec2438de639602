// A view of a row-major matrix: what every kernel reads and writes.
#pragma once

#include <cstddef>

namespace microgpt::kernels {

using Index = std::ptrdiff_t;

/// Row-major rows x cols, `stride` scalars from row to row.
template <class Scalar>
struct Matrix {
  Scalar* data;
  Index rows;
  Index cols;
  Index stride;

  Matrix(Scalar* first, Index row_count, Index col_count, Index row_stride)
      : data(first), rows(row_count), cols(col_count), stride(row_stride) {}
  Matrix(Scalar* first, Index row_count, Index col_count)
      : Matrix(first, row_count, col_count, col_count) {}
  /// A matrix may always be read.
  operator Matrix<const Scalar>() const {  // NOLINT(google-explicit-constructor)
    return {data, rows, cols, stride};
  }

  [[nodiscard]] Scalar* row(Index r) const { return data + r * stride; }
  /// `count` rows from `first`.
  [[nodiscard]] Matrix row_range(Index first, Index count) const {
    return {data + first * stride, count, cols, stride};
  }
  /// `count` columns from `first`.
  [[nodiscard]] Matrix column_range(Index first, Index count) const {
    return {data + first, rows, count, stride};
  }
};

}  // namespace microgpt::kernels
