#include "kernels/product.hpp"

#include <type_traits>

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
// where Partial. It starts from `addend`, or from 0 where there is none.
template <int Rows, int Vectors, bool Partial, class Scalar>
[[gnu::noinline]] void multiply_tile(LeftOperand<Scalar> a, const Scalar* b, Index b_stride,
                                     const Scalar* addend, Index addend_stride, Scalar* c,
                                     Index c_stride, Index depth, Index tail) {
  constexpr Index kWidth = kLanes<Scalar>;
  const auto load_columns = [tail](const Scalar* from, auto v) __attribute__((always_inline)) {
    if constexpr (Partial && v == Vectors - 1) return load_partial(from + v * kWidth, tail);
    return load(from + v * kWidth);
  };

  Vector<Scalar> sum[Rows][Vectors];
  unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
    unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
      sum[r][v] =
          addend != nullptr ? load_columns(addend + r * addend_stride, v) : Vector<Scalar>{};
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

// Accumulators in a tile: half of the registers; the others hold a row of B and factors.
inline constexpr int kTileVectors = 2;
inline constexpr int kAccumulators = kVectorRegisters >= 32 ? 16 : 8;

// All rows of C for one panel of columns.
template <int Rows, int Vectors, bool Partial, class Scalar>
void multiply_panel(LeftOperand<Scalar> a, Matrix<const Scalar> b, Matrix<const Scalar> addend,
                    Matrix<Scalar> c, Index tail, Index first_row = 0) {
  Index row = first_row;
  for (; row + Rows <= c.rows; row += Rows) {
    const Scalar* start = addend.data == nullptr ? nullptr : addend.row(row);
    multiply_tile<Rows, Vectors, Partial>({a.data + row * a.row_stride, a.row_stride, a.col_stride},
                                          b.data, b.stride, start, addend.stride, c.row(row),
                                          c.stride, b.rows, tail);
  }
  if constexpr (Rows > 1) {
    multiply_panel<Rows / 2, Vectors, Partial>(a, b, addend, c, tail, row);
  }
}

template <class Scalar>
void multiply_any(LeftOperand<Scalar> a, Matrix<const Scalar> b, Matrix<const Scalar> addend,
                  Matrix<Scalar> c) {
  constexpr Index kWidth = kLanes<Scalar>;
  const auto do_panel = [&]<int Vectors, bool Partial>(std::integral_constant<int, Vectors>,
                                                       std::bool_constant<Partial>, Index first,
                                                       Index width) {
    const Index offset = addend.data == nullptr ? 0 : first;
    multiply_panel<kAccumulators / Vectors, Vectors, Partial>(
        a, b.column_range(first, width), addend.column_range(offset, width),
        c.column_range(first, width), width % kWidth);
  };
  constexpr std::integral_constant<int, kTileVectors> kTwo;
  constexpr std::integral_constant<int, 1> kOne;
  Index column = 0;
  for (; column + kTileVectors * kWidth <= c.cols; column += kTileVectors * kWidth) {
    do_panel(kTwo, std::false_type{}, column, kTileVectors * kWidth);
  }
  if (column + kWidth <= c.cols) {
    do_panel(kOne, std::false_type{}, column, kWidth);
    column += kWidth;
  }
  if (column < c.cols) do_panel(kOne, std::true_type{}, column, c.cols - column);
}

template <class Scalar>
Matrix<const Scalar> nothing() {
  return {nullptr, 0, 0, 0};
}

}  // namespace

template <class Scalar>
void multiply(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, a.stride, 1}, b, nothing<Scalar>(), c);
}

template <class Scalar>
void multiply_add(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<const Scalar> addend,
                  Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, a.stride, 1}, b, addend, c);
}

template <class Scalar>
void multiply_transposed(Matrix<const Scalar> a, Matrix<const Scalar> b, Matrix<Scalar> c) {
  multiply_any<Scalar>({a.data, 1, a.stride}, b, nothing<Scalar>(), c);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                           \
  template void multiply(Matrix<const Scalar>, Matrix<const Scalar>, Matrix<Scalar>);          \
  template void multiply_add(Matrix<const Scalar>, Matrix<const Scalar>, Matrix<const Scalar>, \
                             Matrix<Scalar>);                                                  \
  template void multiply_transposed(Matrix<const Scalar>, Matrix<const Scalar>, Matrix<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
