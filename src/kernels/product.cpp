// Around the tiles: what is taken at a time, so that it is read from a near cache, and what is
// copied for that, because it lies across too many pages or competes for the same few sets.
#include "kernels/product.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/product_tile.hpp"
#include "microgpt/aligned_buffer.hpp"

namespace microgpt::kernels {
namespace {

// A panel of B, as wide as a tile, stays in a first-level cache of 32 KiB.
constexpr Index kPanelBytes = Index{20} * 1024;
constexpr Index kStageDepths = kPanelBytes / (kTileVectors * Index{kVectorBytes});
// A block of rows of A stays in the second-level cache while the panels pass; of rows that lie
// pages apart, and so compete for the same few sets, fewer do.
template <class Scalar>
constexpr Index kBlockRows = 1536 / static_cast<Index>(sizeof(Scalar));
template <class Scalar>
constexpr Index kBlockRowsPagesApart = 512 / static_cast<Index>(sizeof(Scalar));
constexpr Index kPage = 4096;

// Of rows that lie far apart, a first-level cache keeps few: they compete for the same sets. From
// so many bytes on between one depth and the next, 16 times what a tile takes of a row of A, or 8
// times what it takes of one of B, copying pays: of A if it lies by depth and is too large to stay,
// of B if there are enough rows to read the copy.
constexpr Index kFarFactors = Index{64} * kAccumulators;
constexpr Index kFarColumns = Index{8} * kTileVectors * Index{kVectorBytes};
constexpr Index kNearCache = Index{32} * 1024;
constexpr Index kRowsForACopy = 32;
// Sums over parts of so few depths are made in one tile; over more as two products, each the better
// for it, if both have a single stage and C, of at most so many bytes, stays near in between.
constexpr Index kTogether = 80;
constexpr Index kPassedAgain = Index{1} << 18;
// A matrix of more than so many bytes does not stay in the second-level cache from one step to the
// next, and is asked for line by line. That gains 3 % on a Xeon with AVX-512; an EPYC with AVX2
// foresees what comes, and loses as much by being asked.
constexpr Index kFarMatrix =
    kVectorBytes >= 64 ? Index{1} << 17 : std::numeric_limits<Index>::max();

template <class Scalar>
constexpr Index bytes(Index scalars) {
  return scalars * static_cast<Index>(sizeof(Scalar));
}

template <class Scalar>
constexpr bool is_far(Index rows, Index cols) {
  return bytes<Scalar>(rows * cols) > kFarMatrix;
}

// Rows of A in one stage. By depth they come in strips of kAccumulators rows, `strip` scalars from
// one strip to the next: in A itself, side by side.
template <class Scalar>
struct Block {
  Factors<Scalar> a;
  Index first_row;
  Index rows;
  Index strip = kAccumulators;

  // Whether a tile may begin at any row, not just at a multiple of its height.
  [[nodiscard]] bool side_by_side() const { return strip == kAccumulators; }

  template <Order order>
  [[nodiscard]] Factors<Scalar> from(Index row) const {
    if constexpr (order == Order::by_row) return {a.first + row * a.stride, a.stride};
    return {a.first + row / kAccumulators * strip + row % kAccumulators, a.stride};
  }
};

// The height of the tiles that take what tiles of so many rows leave: 4 or less. Of the usual
// powers of two, tiles of 6 or 12 leave 2 or 4.
template <int Rows>
constexpr int kRowsOfRest = Rows % 6 == 0 ? 4 : std::max(1, Rows / 4);

// Rows first .. block.rows - 1 of a block and one panel of columns, Rows at a time. The rest is
// taken in smaller tiles; or, where more than one of these is left and sums may be made twice, with
// rows before it.
template <Order order, int Rows, int Vectors, bool Partial, bool Parts, bool Plain, class Scalar>
[[gnu::noinline]] void multiply_rows(const Block<Scalar>& block, const Stage<Scalar>& stage,
                                     const Matrix<Scalar>& c, TilePlace place, Index first) {
  Index row = first;
  Factors<Scalar> a = block.template from<order>(row);
  Scalar* to = c.row(block.first_row + row) + place.column;
  while (row < block.rows) {
    const Index left = block.rows - row;
    if (left < Rows) {
      const bool may_repeat = !stage.adds_to(c) && block.side_by_side();
      if (left <= kRowsOfRest<Rows> || block.rows < Rows || !may_repeat) break;
      row = block.rows - Rows;
      a = block.template from<order>(row);
      to = c.row(block.first_row + row) + place.column;
    }
    place.row = block.first_row + row;
    multiply_tile<order, Rows, Vectors, Partial, Parts, Plain>(a, stage, to, c.stride, place);
    // By steps: to multiply for the next addresses costs a short tile some cycles.
    row += Rows;
    to += Rows * c.stride;
    if constexpr (order == Order::by_row) {
      a.first += Rows * a.stride;
    } else {
      a = block.template from<order>(row);
    }
  }
  if constexpr (Rows > 1) {
    if (row < block.rows) {
      multiply_rows<order, kRowsOfRest<Rows>, Vectors, Partial, Parts, false>(block, stage, c,
                                                                              place, row);
    }
  }
}

// All rows of a block and one panel of columns. Tiles of small products are short: what is asked
// before and after each of them, whatever the answers, is a tenth of their time.
template <Order order, int Rows, int Vectors, bool Partial, bool Parts, class Scalar>
void multiply_panel(const Block<Scalar>& block, const Stage<Scalar>& stage, const Matrix<Scalar>& c,
                    const TilePlace& place) {
  constexpr bool kWholeTiles = Rows * Vectors >= kAccumulators && !Partial;
  if (kWholeTiles && stage.is_plain()) {
    multiply_rows<order, Rows, Vectors, Partial, Parts, kWholeTiles>(block, stage, c, place, 0);
  } else {
    multiply_rows<order, Rows, Vectors, Partial, Parts, false>(block, stage, c, place, 0);
  }
}

// All panels from `column` on, Vectors wide as long as there are so many, with tiles of at most
// `Accumulators` vectors. Eight rows divide more matrices evenly than twelve, and in the narrowest
// panel each multiply-add loads a factor, so that higher tiles gain nothing.
template <Order order, bool Parts, int Accumulators = kAccumulators, int Vectors = kTileVectors,
          class Scalar>
void multiply_panels(const Block<Scalar>& block, const Stage<Scalar>& stage,
                     const Matrix<Scalar>& c, Index column = 0) {
  constexpr int kRows = std::max(1, std::min(Accumulators / Vectors, kAccumulators));
  constexpr Index kWidth = Vectors * kLanes<Scalar>;
  for (; column + kWidth <= c.cols; column += kWidth) {
    multiply_panel<order, kRows, Vectors, false, Parts>(block, stage, c, {0, column, column, 0});
  }
  if constexpr (Vectors > 1) {
    multiply_panels<order, Parts, Accumulators, Vectors / 2>(block, stage, c, column);
  } else if (column < c.cols) {
    multiply_panel<order, kRows, 1, true, Parts>(block, stage, c,
                                                 {0, column, column, c.cols - column});
  }
}

// The same, with each panel of B copied first.
template <Order order, int Accumulators, class Scalar>
[[gnu::noinline]] void multiply_copied_panels(const Block<Scalar>& block,
                                              const Stage<Scalar>& stage, const Matrix<Scalar>& c) {
  constexpr Index kPanel = kTileVectors * kLanes<Scalar>;
  alignas(line_memory::kCacheLine) Scalar copy[kPanel * kStageDepths];
  const Matrix<const Scalar>& b = stage.b;
  Stage<Scalar> copied = stage;
  copied.b = {copy, b.rows, kPanel, kPanel};
  Index column = 0;
  for (; column + kPanel <= c.cols; column += kPanel) {
    for (Index k = 0; k < b.rows; ++k) {
      for (Index i = 0; i < kPanel; i += kLanes<Scalar>) {
        store(copy + k * kPanel + i, load(b.row(k) + column + i));
      }
    }
    multiply_panel<order, Accumulators / kTileVectors, kTileVectors, false, false>(
        block, copied, c, {0, column, 0, 0});
  }
  multiply_panels<order, false, Accumulators>(block, stage, c, column);
}

// Factors that lie by depth, in strips of kAccumulators rows, so many scalars from one to the next.
template <class Scalar>
[[gnu::noinline]] void pack(const Factors<Scalar>& a, Index rows, Index depths, Index strip,
                            Scalar* packed) {
  for (Index k = 0; k < depths; ++k) {
    const Scalar* from = a.first + k * a.stride;
    Scalar* to = packed + k * kAccumulators;
    Index row = 0;
    for (; row + kAccumulators <= rows; row += kAccumulators, to += strip) {
      for (Index i = 0; i < kAccumulators; i += kLanes<Scalar>) store(to + i, load(from + row + i));
    }
    std::copy_n(from + row, rows - row, to);
  }
}

// One block in one stage, with tiles of so many accumulators, and with copies where they pay.
template <Order order, int Accumulators, class Scalar>
void multiply_block_by(const Block<Scalar>& block, const Stage<Scalar>& stage,
                       const Matrix<Scalar>& c) {
  if (bytes<Scalar>(stage.b.stride) >= kFarColumns && block.rows >= kRowsForACopy) {
    multiply_copied_panels<order, Accumulators>(block, stage, c);
  } else {
    multiply_panels<order, false, Accumulators>(block, stage, c);
  }
}

template <Order order, class Scalar>
void multiply_block(const Block<Scalar>& block, const Stage<Scalar>& stage,
                    const Matrix<Scalar>& c) {
  if (block.rows == 1) {
    // However wide a tile of one row is, each load serves one multiply-add.
    multiply_panels<order, false, 1, 2>(block, stage, c);
  } else if (stage.b.rows >= kDeep) {
    multiply_block_by<order, order == Order::by_row ? kDeepAccumulators : kAccumulators>(block,
                                                                                         stage, c);
  } else {
    multiply_block_by<order, kAccumulators>(block, stage, c);
  }
}

// A packed copy of the block's factors.
template <class Scalar>
[[gnu::noinline]] void multiply_packed(const Block<Scalar>& block, const Stage<Scalar>& stage,
                                       const Matrix<Scalar>& c) {
  // Lest strips of 4096 bytes begin in the same set.
  constexpr auto kBetweenStrips = static_cast<Index>(line_memory::kCacheLine / sizeof(Scalar));
  alignas(line_memory::kCacheLine)
      Scalar packed[kBlockRows<Scalar> * kStageDepths +
                    kBlockRows<Scalar> / kAccumulators * kBetweenStrips];
  const Index strip = kAccumulators * stage.b.rows + kBetweenStrips;
  pack(block.a, block.rows, stage.b.rows, strip, packed);
  const Block<Scalar> copy{.a = {packed, kAccumulators},
                           .first_row = block.first_row,
                           .rows = block.rows,
                           .strip = strip};
  multiply_block<Order::by_depth>(copy, stage, c);
}

// c = addend + a · b, or c + a · b where it goes on, stage by stage and block by block. Of B and C
// the larger one passes by once. The addend may be C itself if all depths are one stage.
template <Order order, class Scalar>
void multiply_all(const Factors<Scalar>& a, const Matrix<const Scalar>& b, bool goes_on,
                  const Matrix<const Scalar>* addend, const Matrix<Scalar>& c) {
  constexpr bool kByRow = order == Order::by_row;
  const Index rows = kByRow && bytes<Scalar>(a.stride) >= kPage ? kBlockRowsPagesApart<Scalar>
                                                                : kBlockRows<Scalar>;
  const Index stages = std::max<Index>(1, (b.rows + kStageDepths - 1) / kStageDepths);
  // Usually one, and a division takes as long as some multiply-adds.
  const Index depths = stages == 1 ? b.rows : (b.rows + stages - 1) / stages;
  const bool packs = !kByRow && bytes<Scalar>(a.stride) >= kFarFactors &&
                     bytes<Scalar>(depths * a.stride) > kNearCache &&
                     c.cols > kTileVectors * kLanes<Scalar>;
  const auto multiply_one = [&](Index s, Index row) {
    const Index k = s * depths;
    const Stage<Scalar> stage{.b = b.row_range(k, std::min(depths, b.rows - k)),
                              .goes_on = goes_on || s > 0,
                              .addend = s + 1 == stages ? addend : nullptr,
                              .a_is_far = is_far<Scalar>(c.rows, b.rows),
                              .c_is_far = is_far<Scalar>(c.rows, c.cols)};
    const Scalar* first = a.first + (kByRow ? row * a.stride + k : row + k * a.stride);
    const Block<Scalar> block{
        .a = {first, a.stride}, .first_row = row, .rows = std::min(rows, c.rows - row)};
    if (packs) {
      multiply_packed(block, stage, c);
    } else {
      multiply_block<order>(block, stage, c);
    }
  };
  if (c.rows > b.rows) {
    for (Index row = 0; row < c.rows; row += rows) {
      for (Index s = 0; s < stages; ++s) multiply_one(s, row);
    }
  } else {
    for (Index s = 0; s < stages; ++s) {
      for (Index row = 0; row < c.rows; row += rows) multiply_one(s, row);
    }
  }
}

// c = the sum over the parts, or addend + that.
template <class Scalar>
void add_parts(const Factors<Scalar>& a, const Matrix<const Scalar>& b,
               std::span<const Index> parts, const Matrix<const Scalar>* addend,
               const Matrix<Scalar>& c) {
  if (parts.size() == 1) {
    return multiply_all<Order::by_row, Scalar>(a, b, false, addend, c);
  }
  const auto half = parts.first(parts.size() / 2);
  const Index first = std::accumulate(half.begin(), half.end(), Index{0});
  const bool one_by_one = b.rows > kTogether && bytes<Scalar>(c.rows * c.cols) <= kPassedAgain &&
                          std::max(first, b.rows - first) <= kStageDepths;
  // What is added to an addend is the sum of all parts, so that their first half cannot be.
  if (addend == nullptr && one_by_one) {
    add_parts<Scalar>(a, b.row_range(0, first), half, nullptr, c);
    const Matrix<const Scalar> sum = c;
    add_parts<Scalar>({a.first + first, a.stride}, b.row_range(first, b.rows - first),
                      parts.last(half.size()), &sum, c);
    return;
  }
  const Block<Scalar> all{.a = a, .first_row = 0, .rows = c.rows};
  const Stage<Scalar> stage{.b = b,
                            .goes_on = false,
                            .addend = addend,
                            .parts = parts,
                            .c_is_far = is_far<Scalar>(c.rows, c.cols)};
  multiply_panels<Order::by_row, true>(all, stage, c);
}

}  // namespace

template <class Scalar>
void multiply(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
              const Matrix<Scalar>& c) {
  multiply_all<Order::by_row, Scalar>({a.data, a.stride}, b, false, nullptr, c);
}

template <class Scalar>
void multiply_add(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                  const Matrix<const Scalar>& addend, const Matrix<Scalar>& c) {
  multiply_all<Order::by_row, Scalar>({a.data, a.stride}, b, false, &addend, c);
}

template <class Scalar>
void accumulate(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                const Matrix<Scalar>& c) {
  multiply_all<Order::by_row, Scalar>({a.data, a.stride}, b, true, nullptr, c);
}

template <class Scalar>
void multiply_parts(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                    std::span<const Index> parts, const Matrix<Scalar>& c) {
  add_parts<Scalar>({a.data, a.stride}, b, parts, nullptr, c);
}

template <class Scalar>
void multiply_transposed(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                         const Matrix<Scalar>& c) {
  multiply_all<Order::by_depth, Scalar>({a.data, a.stride}, b, false, nullptr, c);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                          \
  template void multiply(const Matrix<const Scalar>&, const Matrix<const Scalar>&,            \
                         const Matrix<Scalar>&);                                              \
  template void multiply_add(const Matrix<const Scalar>&, const Matrix<const Scalar>&,        \
                             const Matrix<const Scalar>&, const Matrix<Scalar>&);             \
  template void accumulate(const Matrix<const Scalar>&, const Matrix<const Scalar>&,          \
                           const Matrix<Scalar>&);                                            \
  template void multiply_parts(const Matrix<const Scalar>&, const Matrix<const Scalar>&,      \
                               std::span<const Index>, const Matrix<Scalar>&);                \
  template void multiply_transposed(const Matrix<const Scalar>&, const Matrix<const Scalar>&, \
                                    const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
