// One tile of a matrix product: sums that stay in registers while the depths pass by.
#pragma once

#include <algorithm>

#include "kernels/product.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {

// Accumulators of a tile: half of the registers; the others hold a row of B and factors.
inline constexpr int kTileVectors = 2;
inline constexpr int kAccumulators = kVectorRegisters >= 32 ? 16 : 8;

// Depths in which a line of memory arrives.
inline constexpr Index kDeep = 96;

/// How the factors A of A · B lie in memory: element (m, k) is first[m * stride + k] by row, and
/// first[m + k * stride] by depth, as in a transpose.
enum class Order { by_row, by_depth };

template <class Scalar>
struct Factors {
  const Scalar* first;
  Index stride;
};

/// A stretch of the depths, all of them or a part: b holds so many rows of B. Where it goes on, C
/// holds what the sums begin with; with the last stretch comes the addend, which may be null.
template <class Scalar>
struct Stage {
  Matrix<const Scalar> b;
  bool goes_on;
  const Matrix<const Scalar>* addend;
  /// Where the depths are in two parts: the sum over so many is finished before that over the rest
  /// is added to it.
  Index first_part;
};

/// Where a tile lies in C, its columns in the stage's b, and how many its last vector has if that
/// is partial.
struct TilePlace {
  Index row;
  Index column;
  Index column_of_b;
  Index tail;
};

/// Rows x Vectors vectors of C, or of a stage's share of it. `a` begins with the tile's first row
/// and the stage's first depth.
template <Order order, int Rows, int Vectors, bool Partial, bool Parts, class Scalar>
[[gnu::always_inline]] inline void multiply_tile(const Factors<Scalar>& a,
                                                 const Stage<Scalar>& stage,
                                                 const Matrix<Scalar>& c, TilePlace place) {
  constexpr Index kWidth = kLanes<Scalar>;
  const Index tail = place.tail;
  const auto load_columns = [tail](const Scalar* from, auto v) __attribute__((always_inline)) {
    if constexpr (Partial && v == Vectors - 1) return load_partial(from + v * kWidth, tail);
    return load(from + v * kWidth);
  };
  const auto for_tile = [](auto&& body) __attribute__((always_inline)) {
    unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) { body(r, v); });
    });
  };

  Vector<Scalar> sum[Rows][Vectors] = {};
  Scalar* const to = c.row(place.row) + place.column;
  const Index c_stride = c.stride;
  if (stage.goes_on) {
    for_tile([&](auto r, auto v) __attribute__((always_inline)) {
      sum[r][v] = load_columns(to + r * c_stride, v);
    });
  }

  // By row, a pointer for every four rows: what x86 can add to one without further registers.
  constexpr bool kByDepth = order == Order::by_depth;
  constexpr int kRowsAPointer = kByDepth ? Rows : std::min(Rows, 4);
  const Index a_stride = a.stride;
  const Scalar* a_rows[Rows / kRowsAPointer];
  unrolled<Rows / kRowsAPointer>([&](auto g) __attribute__((always_inline)) {
    a_rows[g] = a.first + kRowsAPointer * g * a_stride;
  });
  const Scalar* b_row = stage.b.data + place.column_of_b;
  const Index b_stride = stage.b.stride;
  const auto accumulate = [&](Index depths) __attribute__((always_inline)) {
    for (; depths > 0; --depths, b_row += b_stride) {
      Vector<Scalar> columns[Vectors];
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
        columns[v] = load_columns(b_row, v);
      });
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const Scalar factor =
            a_rows[r / kRowsAPointer][r % kRowsAPointer * (kByDepth ? 1 : a_stride)];
        unrolled<Vectors>([&](auto v)
                              __attribute__((always_inline)) { sum[r][v] += factor * columns[v]; });
      });
      unrolled<Rows / kRowsAPointer>([&](auto g) __attribute__((always_inline)) {
        a_rows[g] += kByDepth ? a_stride : 1;
      });
    }
  };
  // A deep product is one of large matrices, whose C lies further away: ask for the next tile's.
  if (stage.b.rows >= kDeep) {
    for_tile([&](auto r, auto v) __attribute__((always_inline)) {
      __builtin_prefetch(to + (Rows + r) * c_stride + v * kWidth, 1);
    });
  }
  accumulate(Parts ? stage.first_part : stage.b.rows);
  if constexpr (Parts) {
    Scalar first[kWidth * Rows * Vectors];
    for_tile([&](auto r, auto v) __attribute__((always_inline)) {
      store(first + (r * Vectors + v) * kWidth, sum[r][v]);
      sum[r][v] = Vector<Scalar>{};
    });
    accumulate(stage.b.rows - stage.first_part);
    for_tile([&](auto r, auto v) __attribute__((always_inline)) {
      sum[r][v] += load(first + (r * Vectors + v) * kWidth);
    });
  }

  if (stage.addend != nullptr) {
    const Scalar* addend = stage.addend->row(place.row) + place.column;
    const Index stride = stage.addend->stride;
    for_tile([&](auto r, auto v) __attribute__((always_inline)) {
      sum[r][v] += load_columns(addend + r * stride, v);
    });
  }
  for_tile([&](auto r, auto v) __attribute__((always_inline)) {
    Scalar* const vector = to + r * c_stride + v * kWidth;
    if constexpr (Partial && v == Vectors - 1) {
      store_partial(vector, sum[r][v], tail);
    } else {
      store(vector, sum[r][v]);
    }
  });
}

}  // namespace microgpt::kernels
