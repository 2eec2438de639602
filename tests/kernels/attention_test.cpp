// Attention, held against its definition, for documents of all lengths.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

// Documents of one query, of less than a vector of them, of whole vectors, and of one more; heads
// of every number of features around those that are taken at a time.
std::vector<AttentionCase> cases() {
  std::vector<AttentionCase> all{{8, 2, 3}, {16, 4, 4}, {17, 4, 4}, {64, 4, 4}, {65, 3, 2}};
  for (const Index length : {1, 7, 33, 100}) {
    for (const Index n_head : {1, 2, 4}) {
      for (const Index head_size : {1, 4, 5, 16}) all.emplace_back(length, n_head, head_size);
    }
  }
  for (Index length = 1; length <= 36; ++length) all.emplace_back(length, 2, 3);
  for (Index head_size = 1; head_size <= 25; ++head_size) all.emplace_back(21, 2, head_size);
  all.emplace_back(std::vector<Index>{3, 5, 8, 16, 1, 40, 7}, 2, 5);
  all.emplace_back(std::vector<Index>{3, 5, 8, 16, 1, 20, 7}, 2, 5);
  std::vector<AttentionCase> ways;
  for (const AttentionCase& sizes : all) {
    for (const AttentionCase& way : both_ways(sizes)) ways.push_back(way);
  }
  return ways;
}

template <class Scalar>
class AttentionTest : public ::testing::Test {};

TYPED_TEST_SUITE(AttentionTest, Scalars);

TYPED_TEST(AttentionTest, IsTheWeightedSumOfTheValuesUpToThere) {
  for (const AttentionCase& sizes : cases()) {
    AttentionRun<TypeParam> run(sizes);
    run.forward();
    EXPECT_TRUE(run.out.edges_are_whole()) << sizes;
    EXPECT_TRUE(run.softmax_terms.edges_are_whole()) << sizes;
    const auto expected = exact_attention(sizes, ExactMatrix(run.qkv, sizes.positions()));
    for (Index t = 0; t < sizes.positions(); ++t) {
      for (Index i = 0; i < sizes.width(); ++i) {
        EXPECT_TRUE(near(run.out(i, t), expected.out(i, t), 64 * kEpsilon<TypeParam>))
            << sizes << " at " << i << ", position " << t;
      }
      // log Σ exp(score) is that of the largest score, scaled, and of the sum relative to it.
      for (Index h = 0; h < sizes.n_head; ++h) {
        const Exact largest = run.softmax_terms(2 * h, t),
                    inverse_sum = run.softmax_terms(2 * h + 1, t);
        const Exact log_sum_exp =
            largest / std::sqrt(static_cast<Exact>(sizes.head_size)) - std::log(inverse_sum);
        EXPECT_TRUE(near(log_sum_exp, expected.log_sum_exp(h, t), 64 * kEpsilon<TypeParam>))
            << sizes << ", head " << h << ", position " << t;
      }
    }
  }
}

TYPED_TEST(AttentionTest, OfOnePositionIsItsValue) {
  for (const AttentionCase& sizes :
       {AttentionCase{1, 4, 5}, AttentionCase{std::vector<Index>(37, 1), 2, 3}}) {
    AttentionRun<TypeParam> run(sizes);
    run.forward();
    for (Index t = 0; t < sizes.positions(); ++t) {
      for (Index i = 0; i < sizes.width(); ++i) {
        EXPECT_EQ(run.out(i, t), run.qkv(2 * sizes.width() + i, t)) << t;
      }
    }
  }
}

// Equal keys share: each position sees the mean of the values so far.
TYPED_TEST(AttentionTest, OfEqualKeysIsTheMean) {
  for (const AttentionCase& sizes : {AttentionCase{32, 2, 4}, AttentionCase{100, 2, 4}}) {
    AttentionRun<TypeParam> run(sizes);
    for (Index t = 0; t < sizes.positions(); ++t) {
      for (Index i = 0; i < sizes.width(); ++i) {
        run.qkv(sizes.width() + i, t) = 1;
        run.qkv(2 * sizes.width() + i, t) = static_cast<TypeParam>(t);
      }
    }
    run.forward();
    for (Index t = 0; t < sizes.positions(); ++t) {
      EXPECT_TRUE(near(run.out(0, t), static_cast<Exact>(t) / 2, 1000 * kEpsilon<TypeParam>)) << t;
    }
  }
}

// Scores of some thousands: the largest takes all.
TYPED_TEST(AttentionTest, StaysFiniteForLargeScores) {
  for (const AttentionCase& sizes : {AttentionCase{30, 2, 4}, AttentionCase{40, 2, 4}}) {
    AttentionRun<TypeParam> run(sizes);
    run.qkv.for_each([](TypeParam& element) { element *= 100; });
    run.forward();
    run.backward();
    for (const TypeParam element : run.out.values()) EXPECT_TRUE(std::isfinite(element));
    for (const TypeParam element : run.d_qkv.values()) EXPECT_TRUE(std::isfinite(element));
  }
}

// Two vectors in front of the keys may be read, and behind qkv and d_out, and what stands there
// does not count as long as it is finite. Farther away nothing is.
TYPED_TEST(AttentionTest, ReadsNoFartherThanItSays) {
  const Index margin = 2 * kLanes<TypeParam>;
  for (const AttentionCase& sizes : cases()) {
    const Index columns = padded<TypeParam>(sizes.positions());
    AttentionRun<TypeParam> run(sizes), spoiled(sizes);
    run.forward();
    run.backward();

    const auto spoil = [&](Grid<TypeParam>& grid, TypeParam* first_read) {
      TypeParam* const behind = grid.row(grid.rows() - 1) + columns;
      std::vector<TypeParam> inner(first_read, behind);
      grid.fill_surroundings(std::numeric_limits<TypeParam>::quiet_NaN());
      std::ranges::copy(inner, first_read);
      std::fill_n(behind, margin, TypeParam(1e4));
    };
    // Between its rows a grid holds finite numbers; so it does in front of its first.
    spoil(spoiled.qkv, std::min(spoiled.qkv.row(0), spoiled.qkv.row(sizes.width()) - margin));
    spoil(spoiled.d_out, spoiled.d_out.row(0));
    spoiled.forward();
    spoiled.backward();
    EXPECT_TRUE(same_bits(spoiled.out.values(), run.out.values())) << sizes;
    EXPECT_TRUE(same_bits(spoiled.d_qkv.values(), run.d_qkv.values())) << sizes;
  }
}

TYPED_TEST(AttentionTest, HasScratchOfTheSizeItSays) {
  using Scratch = AttentionScratch<TypeParam>;
  constexpr Index kHeads = 3;
  for (const Index length : {1, 2, 3, 4, 5, 16, 17, 31, 32, 33, 64, 100}) {
    for (Index columns = kLanes<TypeParam>; columns < 200; columns += kLanes<TypeParam>) {
      Scratch scratch(length, columns, kHeads);
      EXPECT_EQ(scratch.by_distance(), Scratch::by_distance(length));
      std::vector<Matrix<TypeParam>> matrices;
      if (scratch.by_distance()) {
        matrices.push_back(scratch.d_scores(columns));
        for (Index h = 0; h < kHeads; ++h) matrices.push_back(scratch.exponentials(columns, h));
        for (const auto& matrix : matrices) {
          EXPECT_GE(matrix.rows, length);
          EXPECT_EQ(matrix.cols, columns);
        }
      } else {
        constexpr Index kQueries = Scratch::kTileQueries;
        matrices = {scratch.tile_by_key(length, kQueries), scratch.tile_by_query(kQueries, length),
                    scratch.d_tile_by_query(kQueries, length)};
      }
      const TypeParam* free = matrices[0].data;
      for (const auto& matrix : matrices) {
        EXPECT_GE(matrix.stride, padded<TypeParam>(matrix.cols));
        EXPECT_GE(matrix.data, free);
        free = matrix.row(matrix.rows);
      }
      EXPECT_LE(free - matrices[0].data, Scratch::size(length, columns, kHeads));
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
