#include "kernels/product.hpp"

#include <algorithm>
#include <utility>

#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

// A(m, k) = data[m * row_stride + k * col_stride]: a matrix or its transpose.
template <class Scalar>
struct LeftOperand {
  const Scalar* data;
  Index row_stride;
  Index col_stride;
};

// One tile of C: Rows rows by Vectors vectors of columns, of which the last holds `tail` columns
// where Partial.
template <int Rows, int Vectors, bool Partial, class Scalar>
[[gnu::noinline]] void multiply_tile(LeftOperand<Scalar> a, const Scalar* b, Index b_stride,
                                     Scalar* c, Index c_stride, Index depth, Index tail,
                                     bool accumulate) {
  constexpr Index kWidth = kLanes<Scalar>;
  const auto load_columns = [tail](const Scalar* from, auto v) __attribute__((always_inline)) {
    if constexpr (Partial && v == Vectors - 1) return load_partial(from + v * kWidth, tail);
    return load(from + v * kWidth);
  };

  Vector<Scalar> sum[Rows][Vectors];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
      sum[r][v] = accumulate ? load_columns(c + r * c_stride, v) : Vector<Scalar>{};
    });
  });

  const Scalar* a_column = a.data;
  for (Index k = 0; k < depth; ++k, a_column += a.col_stride, b += b_stride) {
    Vector<Scalar> b_row[Vectors];
    unrolled<Vectors>([&](auto v)
                          __attribute__((always_inline)) { b_row[v] = load_columns(b, v); });
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      const Scalar factor = a_column[r * a.row_stride];
      unrolled<Vectors>([&](auto v)
                            __attribute__((always_inline)) { sum[r][v] += factor * b_row[v]; });
    });
  }

  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
      Scalar* to = c + r * c_stride + v * kWidth;
      if constexpr (Partial && v == Vectors - 1) {
        store_partial(to, sum[r][v], tail);
      } else {
        store(to, sum[r][v]);
      }
    });
  });
}

// Two thirds of the registers hold the tile; the others hold a row of B.
inline constexpr int kTileVectors = 2;
inline constexpr int kTileRows = kVectorRegisters >= 32 ? 8 : 4;

// All rows of C for one panel of columns.
template <int Rows, int Vectors, bool Partial, class Scalar>
void multiply_panel(LeftOperand<Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c, Index tail,
                    bool accumulate, Index first_row = 0) {
  Index row = first_row;
  for (; row + Rows <= c.rows; row += Rows) {
    multiply_tile<Rows, Vectors, Partial>({a.data + row * a.row_stride, a.row_stride, a.col_stride},
                                          b.data, b.stride, c.row(row), c.stride, b.rows, tail,
                                          accumulate);
  }
  if constexpr (Rows > 1) {
    multiply_panel<Rows / 2, Vectors, Partial>(a, b, c, tail, accumulate, row);
  }
}

template <class Scalar>
void multiply_any(LeftOperand<Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c,
                  bool accumulate) {
  constexpr Index kWidth = kLanes<Scalar>;
  const auto panel = [&](Index first, Index width) {
    return std::pair{b.column_range(first, width), c.column_range(first, width)};
  };
  Index column = 0;
  for (; column + kTileVectors * kWidth <= c.cols; column += kTileVectors * kWidth) {
    const auto [b_panel, c_panel] = panel(column, kTileVectors * kWidth);
    multiply_panel<kTileRows, kTileVectors, false>(a, b_panel, c_panel, 0, accumulate);
  }
  if (column + kWidth <= c.cols) {
    const auto [b_panel, c_panel] = panel(column, kWidth);
    multiply_panel<kTileRows, 1, false>(a, b_panel, c_panel, 0, accumulate);
    column += kWidth;
  }
  if (column < c.cols) {
    const Index tail = c.cols - column;
    const auto [b_panel, c_panel] = panel(column, tail);
    multiply_panel<kTileRows, 1, true>(a, b_panel, c_panel, tail, accumulate);
  }
}

}  // namespace

template <class Scalar>
void multiply(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, a.stride, 1}, b, c, false);
}

template <class Scalar>
void multiply_add(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, a.stride, 1}, b, c, true);
}

template <class Scalar>
void multiply_transposed(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, 1, a.stride}, b, c, false);
}

template <class Scalar>
void multiply_transposed_add(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, 1, a.stride}, b, c, true);
}

template <class Scalar>
void transpose(Matrix<const Scalar> from, Matrix<Scalar> to) {
  // Square blocks, so that both sides are read and written a cache line at a time.
  constexpr Index kBlock = 16;
  for (Index row = 0; row < from.rows; row += kBlock) {
    const Index row_end = std::min(row + kBlock, from.rows);
    for (Index col = 0; col < from.cols; col += kBlock) {
      const Index col_end = std::min(col + kBlock, from.cols);
      for (Index c = col; c < col_end; ++c) {
        for (Index r = row; r < row_end; ++r) to.row(c)[r] = from.row(r)[c];
      }
    }
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                             \
  template void multiply(Matrix<const Scalar>, Matrix<const Scalar>, Matrix<Scalar>);            \
  template void multiply_add(Matrix<const Scalar>, Matrix<const Scalar>, Matrix<Scalar>);        \
  template void multiply_transposed(Matrix<const Scalar>, Matrix<const Scalar>, Matrix<Scalar>); \
  template void multiply_transposed_add(Matrix<const Scalar>, Matrix<const Scalar>,              \
                                        Matrix<Scalar>);                                         \
  template void transpose(Matrix<const Scalar>, Matrix<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
