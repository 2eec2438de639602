#include "kernels/cross_entropy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

constexpr std::array<Index, 16> kCounts{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 27, 31, 32, 33, 66, 100};

// A row of logits, with room behind them that holds what is not a number.
template <class Scalar>
Grid<Scalar> logits_row(Index count) {
  auto row = Grid<Scalar>::random(1, count, 1);
  std::fill(row.row(0) + count, row.row(0) + padded<Scalar>(count),
            std::numeric_limits<Scalar>::quiet_NaN());
  return row;
}

template <class Scalar>
std::vector<Exact> exact(const Grid<Scalar>& row) {
  const auto values = row.values();
  return {values.begin(), values.end()};
}

Exact loss_of(const std::vector<Exact>& logits, Index target) {
  Exact sum = 0;
  for (const Exact logit : logits) sum += std::exp(logit);
  return std::log(sum) - logits[static_cast<std::size_t>(target)];
}

template <class Scalar>
class CrossEntropyTest : public ::testing::Test {};

TYPED_TEST_SUITE(CrossEntropyTest, Scalars);

TYPED_TEST(CrossEntropyTest, IsTheNegativeLogProbabilityOfTheTarget) {
  for (const Index count : kCounts) {
    for (Index target = 0; target < count; ++target) {
      auto one = logits_row<TypeParam>(count), other = logits_row<TypeParam>(count);
      const Exact expected = loss_of(exact(one), target);
      const double loss = cross_entropy(one.row(0), count, target);
      const double same = cross_entropy_with_gradient(other.row(0), count, target, TypeParam{1});
      EXPECT_TRUE(near(loss, expected, 16 * kEpsilon<TypeParam>)) << target << " of " << count;
      EXPECT_EQ(same, loss) << target << " of " << count;
    }
  }
}

TYPED_TEST(CrossEntropyTest, HasTheGradientOfItsFormula) {
  const Exact scale = 0.375L;  // of loss, and so of its gradient
  for (const Index count : kCounts) {
    for (Index target = 0; target < count; ++target) {
      auto row = logits_row<TypeParam>(count);
      auto logits = exact(row);
      (void)cross_entropy_with_gradient(row.row(0), count, target, static_cast<TypeParam>(scale));
      const auto loss = [&, t = target] { return scale * loss_of(logits, t); };
      for (Index i = 0; i < count; ++i) {
        const Exact expected = slope(loss, logits[static_cast<std::size_t>(i)], 1e-6L);
        EXPECT_TRUE(near(row(0, i), expected, 1e-12L + 4 * kEpsilon<TypeParam>))
            << i << " of " << count << ", target " << target;
      }
      for (Index i = count; i < padded<TypeParam>(count); ++i) EXPECT_EQ(row.row(0)[i], 0);
    }
  }
}

TYPED_TEST(CrossEntropyTest, HasAGradientThatSumsToZero) {
  for (const Index count : kCounts) {
    auto row = logits_row<TypeParam>(count);
    (void)cross_entropy_with_gradient(row.row(0), count, count / 2, TypeParam{1});
    const auto gradient = exact(row);
    const Exact sum = std::accumulate(gradient.begin(), gradient.end(), Exact{0});
    EXPECT_TRUE(near(sum, 0, 4 * kEpsilon<TypeParam>)) << count;
  }
}

// Only differences count, so that no size of logits can overflow.
TYPED_TEST(CrossEntropyTest, StaysFiniteForLargeLogits) {
  for (const TypeParam size : {TypeParam(1e4), TypeParam(1e30)}) {
    for (const Index count : {2, 16, 27, 33}) {
      for (Index largest = 0; largest < count; ++largest) {
        const Index target = (largest + 1) % count;
        Grid<TypeParam> row(1, count);
        row.fill(-size);
        row(0, largest) = size;
        EXPECT_EQ(cross_entropy_with_gradient(row.row(0), count, target, TypeParam{1}), 2 * size);
        for (Index i = 0; i < count; ++i) {
          const Exact expected = i == largest ? 1 : i == target ? -1 : 0;
          EXPECT_TRUE(near(row(0, i), expected, std::numeric_limits<TypeParam>::min()))
              << i << " of " << count;
        }
        row.fill(-size);
        row(0, largest) = size;
        EXPECT_EQ(cross_entropy(row.row(0), count, largest), 0);
      }
    }
  }
}

TYPED_TEST(CrossEntropyTest, WeighsByScaledDifferencesToTheLargest) {
  for (const Index count : kCounts) {
    auto row = logits_row<TypeParam>(count);
    const auto logits = row.values();
    TypeParam maximum = 0;
    const TypeParam sum = exp_weights(row.row(0), count, TypeParam(0.25), maximum);
    EXPECT_EQ(maximum, *std::ranges::max_element(logits));
    Exact expected_sum = 0;
    for (Index i = 0; i < count; ++i) {
      const Exact difference = Exact{logits[static_cast<std::size_t>(i)]} - maximum;
      const Exact weight = std::exp(0.25L * difference);
      EXPECT_TRUE(near(row(0, i), weight, 4 * kEpsilon<TypeParam>)) << i << " of " << count;
      expected_sum += weight;
    }
    EXPECT_TRUE(near(sum, expected_sum, 8 * kEpsilon<TypeParam> * expected_sum)) << count;
    for (Index i = count; i < padded<TypeParam>(count); ++i) EXPECT_EQ(row.row(0)[i], 0);
  }
}

}  // namespace
}  // namespace microgpt::kernels
