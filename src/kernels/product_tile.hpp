// One tile of a matrix product: sums that stay in registers while the depths pass by.
#pragma once

#include <algorithm>
#include <bit>
#include <span>

#include "kernels/matrix.hpp"
#include "kernels/simd.hpp"
#include "microgpt/aligned_buffer.hpp"

namespace microgpt::kernels {

/// Accumulators of a tile: half of the registers; the others hold a row of B and factors. A tile
/// about as high as it is wide loads least: what a core does beside its multiply-adds, and what it
/// shares with another hyperthread, is loads.
inline constexpr int kAccumulators = kVectorRegisters >= 32 ? 16 : 8;
inline constexpr int kTileVectors = kVectorRegisters >= 32 ? 4 : 2;
/// Eight sums only just hide what a multiply-add takes. With more depths than so many, a higher
/// tile is worth its longer beginning and end, if it need not have factors packed for its height.
inline constexpr int kDeepAccumulators = kVectorRegisters >= 32 ? 16 : 12;
inline constexpr Index kDeep = 48;

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
  /// Where the depths are in parts, 2 or 4: the sum over so many is finished before those of
  /// neighbours are added.
  std::span<const Index> parts = {};
  /// Matrices so large that they come from far away, line by line: a tile asks for the next one's
  /// rows, one at a time between its multiply-adds. A core can wait for a dozen lines at once; as
  /// long as these are far ones, what is near waits as long.
  bool a_is_far = false;
  bool c_is_far = false;

  /// Whether there is nothing but a product: no sums go on, nothing is added, and nothing is far.
  [[nodiscard]] bool is_plain() const {
    return !goes_on && addend == nullptr && !a_is_far && !c_is_far;
  }
  /// Whether the sums depend on what C holds, so that none may be made twice.
  [[nodiscard]] bool adds_to(const Matrix<Scalar>& c) const {
    return goes_on || (addend != nullptr && addend->data == c.data);
  }
};

/// The rows of a tile in a matrix: a pointer for every four of them, which is what x86 can reach
/// from one with a stride and its triple. The compiler must not know where they come from, or it
/// keeps a pointer for every row of the next tile, too, most of them in memory.
template <int Rows, class T>
class TileRows {
 public:
  [[gnu::always_inline]] TileRows(T* first, Index stride) : stride_(stride) {
    unrolled<kPointers>([&](auto g) __attribute__((always_inline)) {
      rows_[g] = first;
      asm("" : "+r"(rows_[g]));
      first = rows_[g] + kEach * stride;
    });
  }
  [[gnu::always_inline]] [[nodiscard]] T* row(int r) const {
    return rows_[r / kEach] + r % kEach * stride_;
  }
  [[gnu::always_inline]] void advance(Index scalars) {
    unrolled<kPointers>([&](auto g) __attribute__((always_inline)) { rows_[g] += scalars; });
  }

 private:
  static constexpr int kEach = 4;
  static constexpr int kPointers = (Rows + kEach - 1) / kEach;
  T* rows_[kPointers];
  Index stride_;
};

/// Where a tile lies in C, its columns in the stage's b, and how many its last vector has if that
/// is partial.
struct TilePlace {
  Index row;
  Index column;
  Index column_of_b;
  Index tail;
};

/// Computes one tile of C, Rows x Vectors vectors, from one stage of the depths. `to` points at its
/// first element, which is at `place`; `a` begins with its first row and the stage's first depth.
/// Partial: the last vector has only place.tail columns. Parts: the stage has a first part. Plain:
/// stage.is_plain(). What is constant costs a short tile nothing.
template <Order order, int Rows, int Vectors, bool Partial, bool Parts, bool Plain, class Scalar>
[[gnu::always_inline]] inline void multiply_tile(const Factors<Scalar>& a,
                                                 const Stage<Scalar>& stage, Scalar* to,
                                                 Index stride, TilePlace place) {
  constexpr Index kWidth = kLanes<Scalar>;
  constexpr auto kLine = static_cast<Index>(line_memory::kCacheLine / sizeof(Scalar));
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
  if (!Plain && stage.goes_on) {
    const TileRows<Rows, Scalar> rows(to, stride);
    for_tile([&](auto r, auto v)
                 __attribute__((always_inline)) { sum[r][v] = load_columns(rows.row(r), v); });
  }

  constexpr bool kByDepth = order == Order::by_depth;
  TileRows<std::min(Rows, kByDepth ? 1 : kDeepAccumulators), const Scalar> factors(a.first,
                                                                                   a.stride);
  const Scalar* b_row = stage.b.data + place.column_of_b;
  const Index b_stride = stage.b.stride;
  const auto accumulate = [&](Index depths) __attribute__((always_inline)) {
    for (; depths > 0; --depths, b_row += b_stride) {
      Vector<Scalar> columns[Vectors];
      unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
        columns[v] = load_columns(b_row, v);
        keep_in_register(columns[v]);
      });
      unrolled<Rows>([&](auto r) __attribute__((always_inline)) {
        const Scalar factor = kByDepth ? factors.row(0)[r] : *factors.row(r);
        unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
          sum[r][v] = fma<Scalar>(columns[v], factor, sum[r][v]);
        });
      });
      factors.advance(kByDepth ? a.stride : 1);
    }
  };
  const Index depths = Parts ? stage.parts[0] : stage.b.rows;
  // The first panel of columns brings A for the others.
  const bool a_is_far = !Plain && !kByDepth && stage.a_is_far && place.column == 0;
  if (!Plain && (stage.c_is_far || a_is_far)) {
    const Index stretch = depths / Rows;
    const Scalar* next_a = a.first + Rows * a.stride;
    const Scalar* next_c = to + Rows * stride;
    for (int r = 1; r <= Rows; ++r, next_a += a.stride, next_c += stride) {
      if (stage.c_is_far) {
        unrolled<Vectors>([&](auto v) __attribute__((always_inline)) {
          if constexpr (v * kVectorBytes % line_memory::kCacheLine == 0) {
            __builtin_prefetch(next_c + v * kWidth);
          }
        });
      }
      for (Index k = 0; a_is_far && k < depths; k += kLine) __builtin_prefetch(next_a + k);
      accumulate(r < Rows ? stretch : depths - (Rows - 1) * stretch);
    }
  } else {
    accumulate(depths);
  }
  if constexpr (Parts) {
    // Sums that wait: of one part, and of two.
    Scalar waiting[2][kWidth * Rows * Vectors];
    for (unsigned part = 1; part < stage.parts.size(); ++part) {
      Scalar* const sums = waiting[std::countr_zero(part)];
      for_tile([&](auto r, auto v) __attribute__((always_inline)) {
        store(sums + (r * Vectors + v) * kWidth, sum[r][v]);
        sum[r][v] = Vector<Scalar>{};
      });
      accumulate(stage.parts[part]);
      for (int level = 0; level < std::countr_one(part); ++level) {
        for_tile([&](auto r, auto v) __attribute__((always_inline)) {
          sum[r][v] += load(waiting[level] + (r * Vectors + v) * kWidth);
        });
      }
    }
  }

  if (!Plain && stage.addend != nullptr) {
    const Matrix<const Scalar>& addend = *stage.addend;
    const TileRows<Rows, const Scalar> rows(addend.row(place.row) + place.column, addend.stride);
    for_tile([&](auto r, auto v)
                 __attribute__((always_inline)) { sum[r][v] += load_columns(rows.row(r), v); });
  }
  const TileRows<Rows, Scalar> rows(to, stride);
  for_tile([&](auto r, auto v) __attribute__((always_inline)) {
    Scalar* const vector = rows.row(r) + v * kWidth;
    if constexpr (Partial && v == Vectors - 1) {
      store_partial(vector, sum[r][v], tail);
    } else {
      store(vector, sum[r][v]);
    }
  });
}

}  // namespace microgpt::kernels
