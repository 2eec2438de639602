#include "kernels/product.hpp"

#include <algorithm>

#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

// C = addend + A · B, where A(m, k) = a[m * a_row_stride + k * a_col_stride] is a matrix or its
// transpose, and addend may be null. In parts, the sum over k < first_part is finished before that
// over the rest is added to it.
template <class Scalar>
struct Product {
  const Scalar* a;
  Index a_row_stride;
  Index a_col_stride;
  const Matrix<const Scalar>& b;
  Index first_part;
  const Matrix<const Scalar>* addend;
  const Matrix<Scalar>& c;
};

// One tile of C: Rows rows by Vectors vectors of columns, of which the last holds `tail` columns
// where Partial.
template <int Rows, int Vectors, bool Partial, bool Parts, class Scalar>
[[gnu::always_inline]] inline void multiply_tile(const Product<Scalar>& product, Index row,
                                                 Index column, Index tail) {
  constexpr Index kWidth = kLanes<Scalar>;
  const auto load_columns = [tail](const Scalar* from, auto v) __attribute__((always_inline)) {
    if constexpr (Partial && v == Vectors - 1) return load_partial(from + v * kWidth, tail);
    return load(from + v * kWidth);
  };

  Vector<Scalar> sum[Rows][Vectors] = {};
  const Index a_row_stride = product.a_row_stride;
  const Index a_col_stride = product.a_col_stride;
  const Index b_stride = product.b.stride;
  const Scalar* b = product.b.data + column;
  // A pointer for every four rows of A: what x86 can add to one without further registers.
  constexpr int kRowsAPointer = std::min(Rows, 4);
  const Scalar* a[Rows / kRowsAPointer];
  unrolled<Rows / kRowsAPointer>([&](auto g) __attribute__((always_inline)) {
    a[g] = product.a + (row + kRowsAPointer * g) * a_row_stride;
  });
  const auto accumulate = [&](Index depth) __attribute__((always_inline)) {
    for (; depth > 0; --depth, b += b_stride) {
      Vector<Scalar> b_row[Vectors];
      unrolled<Vectors>([&](auto v)
                            __attribute__((always_inline)) { b_row[v] = load_columns(b, v); });
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const Scalar factor = a[r / kRowsAPointer][r % kRowsAPointer * a_row_stride];
        unrolled<Vectors>([&](auto v)
                              __attribute__((always_inline)) { sum[r][v] += factor * b_row[v]; });
      });
      unrolled<Rows / kRowsAPointer>([&](auto g)
                                         __attribute__((always_inline)) { a[g] += a_col_stride; });
    }
  };
  accumulate(Parts ? product.first_part : product.b.rows);
  if constexpr (Parts) {
    Scalar first[kWidth * Rows * Vectors];
    unrolled<Rows * Vectors>([&](auto i) __attribute__((always_inline)) {
      store(first + i * kWidth, sum[i / Vectors][i % Vectors]);
      sum[i / Vectors][i % Vectors] = Vector<Scalar>{};
    });
    accumulate(product.b.rows - product.first_part);
    unrolled<Rows * Vectors>([&](auto i) __attribute__((always_inline)) {
      sum[i / Vectors][i % Vectors] += load(first + i * kWidth);
    });
  }

  if (product.addend != nullptr) {
    const Scalar* addend = product.addend->row(row) + column;
    const Index stride = product.addend->stride;
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
        sum[r][v] += load_columns(addend + r * stride, v);
      });
    });
  }

  Scalar* c = product.c.row(row) + column;
  const Index c_stride = product.c.stride;
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

// Rows first_row .. end_row - 1 of one panel of columns, Rows at a time; the rest in smaller tiles.
template <int Rows, int Vectors, bool Partial, bool Parts, class Scalar>
[[gnu::noinline]] void multiply_panel(const Product<Scalar>& product, Index column, Index tail,
                                      Index first_row, Index end_row) {
  Index row = first_row;
  for (; row + Rows <= end_row; row += Rows) {
    multiply_tile<Rows, Vectors, Partial, Parts>(product, row, column, tail);
  }
  if constexpr (Rows > 1) {
    if (row < end_row) {
      multiply_panel<Rows / 2, Vectors, Partial, Parts>(product, column, tail, row, end_row);
    }
  }
}

template <bool Parts, class Scalar>
void multiply_rows(const Product<Scalar>& product, Index first_row, Index end_row) {
  constexpr Index kWidth = kLanes<Scalar>;
  const Index cols = product.c.cols;
  Index column = 0;
  for (; column + kTileVectors * kWidth <= cols; column += kTileVectors * kWidth) {
    multiply_panel<kAccumulators / kTileVectors, kTileVectors, false, Parts>(product, column, 0,
                                                                             first_row, end_row);
  }
  if (column + kWidth <= cols) {
    multiply_panel<kAccumulators, 1, false, Parts>(product, column, 0, first_row, end_row);
    column += kWidth;
  }
  if (column < cols) {
    multiply_panel<kAccumulators, 1, true, Parts>(product, column, cols - column, first_row,
                                                  end_row);
  }
}

// As many rows of A at a time as stay in the second-level cache while the panels pass.
template <bool Parts, class Scalar>
void multiply_any(const Product<Scalar>& product) {
  constexpr Index kBlockScalars = Index{1 << 18} / static_cast<Index>(sizeof(Scalar));
  const Index affordable = kBlockScalars / std::max<Index>(1, product.b.rows);
  const Index block = std::max<Index>(1, affordable / kAccumulators) * kAccumulators;
  for (Index row = 0; row < product.c.rows; row += block) {
    multiply_rows<Parts>(product, row, std::min(row + block, product.c.rows));
  }
}

}  // namespace

template <class Scalar>
void multiply(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
              const Matrix<Scalar>& c) {
  multiply_any<false, Scalar>({a.data, a.stride, 1, b, b.rows, nullptr, c});
}

template <class Scalar>
void multiply_add(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                  const Matrix<const Scalar>& addend, const Matrix<Scalar>& c) {
  multiply_any<false, Scalar>({a.data, a.stride, 1, b, b.rows, &addend, c});
}

template <class Scalar>
void multiply_parts(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b, Index first_part,
                    const Matrix<Scalar>& c) {
  if (first_part == b.rows) return multiply(a, b, c);
  multiply_any<true, Scalar>({a.data, a.stride, 1, b, first_part, nullptr, c});
}

template <class Scalar>
void multiply_transposed(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                         const Matrix<Scalar>& c) {
  multiply_any<false, Scalar>({a.data, 1, a.stride, b, b.rows, nullptr, c});
}

#define MICROGPT_INSTANTIATE(Scalar)                                                            \
  template void multiply(const Matrix<const Scalar>&, const Matrix<const Scalar>&,              \
                         const Matrix<Scalar>&);                                                \
  template void multiply_add(const Matrix<const Scalar>&, const Matrix<const Scalar>&,          \
                             const Matrix<const Scalar>&, const Matrix<Scalar>&);               \
  template void multiply_parts(const Matrix<const Scalar>&, const Matrix<const Scalar>&, Index, \
                               const Matrix<Scalar>&);                                          \
  template void multiply_transposed(const Matrix<const Scalar>&, const Matrix<const Scalar>&,   \
                                    const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
