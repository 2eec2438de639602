// Matrices turned around: each element in its place, and nothing beside it touched.
#include "kernels/transpose.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

struct Shape {
  Index rows, cols;
};

// Every count of rows by every count of columns around vectors of any width, and a few large.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{1, 1000}, {1000, 1}, {100, 65}, {64, 256}};
  for (Index rows = 1; rows <= 34; ++rows) {
    for (Index cols = 1; cols <= 34; ++cols) all.push_back({rows, cols});
  }
  return all;
}

template <class Scalar>
class TransposeTest : public ::testing::Test {};

TYPED_TEST_SUITE(TransposeTest, Scalars);

TYPED_TEST(TransposeTest, PutsEachElementInItsPlace) {
  for (const auto& [rows, cols] : shapes()) {
    auto from = Grid<TypeParam>::random(rows, cols, 1);
    from.fill_behind_rows(std::numeric_limits<TypeParam>::quiet_NaN());
    Grid<TypeParam> to(cols, rows);
    transpose<TypeParam>(from, to);
    EXPECT_TRUE(to.surroundings_are_whole()) << rows << " x " << cols;
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < cols; ++c) {
        ASSERT_EQ(to(c, r), from(r, c)) << rows << " x " << cols << " at " << r << ", " << c;
      }
    }
  }
}

// Each column of `from` by a number of its own.
TYPED_TEST(TransposeTest, ScalesWhatItMoves) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  for (const auto& [rows, cols] : shapes()) {
    auto from = Grid<TypeParam>::random(rows, cols, 1),
         scales = Grid<TypeParam>::random(1, cols, 2);
    from.fill_behind_rows(nan);
    scales.fill_behind_rows(nan);
    Grid<TypeParam> to(cols, rows);
    transpose_scaled<TypeParam>(from, scales.row(0), to);
    EXPECT_TRUE(to.surroundings_are_whole()) << rows << " x " << cols;
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < cols; ++c) {
        ASSERT_EQ(to(c, r), from(r, c) * scales(0, c))
            << rows << " x " << cols << " at " << r << ", " << c;
      }
    }
  }
}

// Also where a vector of columns of `from` goes on beyond them.
TYPED_TEST(TransposeTest, WritesNoRowsBeyondThoseOfTheTarget) {
  for (const auto& [rows, cols] : shapes()) {
    auto from = Grid<TypeParam>::random(rows, cols, 1);
    const Index below = 2 * kLanes<TypeParam>;
    Grid<TypeParam> to(cols + below, rows);
    transpose<TypeParam>(from, to.matrix().row_range(0, cols));
    for (Index r = cols; r < cols + below; ++r) {
      for (Index c = 0; c < rows; ++c) ASSERT_EQ(to(r, c), 0) << rows << " x " << cols;
    }
  }
}

// Rows that lie as close as whole vectors allow.
TYPED_TEST(TransposeTest, WritesEachRowBehindTheOneBefore) {
  for (const auto& [rows, cols] : shapes()) {
    auto from = Grid<TypeParam>::random(rows, cols, padded<TypeParam>(cols), 1);
    Grid<TypeParam> to(cols, rows, padded<TypeParam>(rows));
    transpose<TypeParam>(from, to);
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < cols; ++c) ASSERT_EQ(to(c, r), from(r, c)) << rows << " x " << cols;
    }
  }
}

TYPED_TEST(TransposeTest, KeepsBitsAsTheyAre) {
  using Limits = std::numeric_limits<TypeParam>;
  Grid<TypeParam> from(33, 5), to(5, 33), back(33, 5);
  const std::vector<TypeParam> values{TypeParam(-0.0), Limits::quiet_NaN(), -Limits::quiet_NaN(),
                                      Limits::denorm_min(), -Limits::infinity()};
  for (Index r = 0; r < 33; ++r) {
    for (Index c = 0; c < 5; ++c) from(r, c) = values[static_cast<std::size_t>((r + c) % 5)];
  }
  transpose<TypeParam>(from, to);
  transpose<TypeParam>(to, back);
  EXPECT_TRUE(same_bits(back.values(), from.values()));
}

TYPED_TEST(TransposeTest, ExchangesVectorsAndLanesOfASquare) {
  VectorSquare<TypeParam> square;
  for (Index v = 0; v < kLanes<TypeParam>; ++v) {
    for (Index lane = 0; lane < kLanes<TypeParam>; ++lane) {
      square[v][lane] = static_cast<TypeParam>(100 * v + lane);
    }
  }
  transpose_square<TypeParam>(square);
  for (Index v = 0; v < kLanes<TypeParam>; ++v) {
    for (Index lane = 0; lane < kLanes<TypeParam>; ++lane) {
      EXPECT_EQ(square[v][lane], static_cast<TypeParam>(100 * lane + v)) << v << ", " << lane;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
