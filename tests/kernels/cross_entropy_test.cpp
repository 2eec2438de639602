// The loss of logits and its gradient, held against their formulas.
#include <gtest/gtest.h>

#include <numeric>

#include "cross_entropy_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
std::vector<Exact> exact_column(const Grid<Scalar>& grid, Index p) {
  const auto column = grid.column(p);
  return {column.begin(), column.end()};
}

Exact loss_of(const std::vector<Exact>& logits, Index target) {
  Exact sum = 0;
  for (const Exact logit : logits) sum += std::exp(logit);
  return std::log(sum) - logits[static_cast<std::size_t>(target)];
}

// Calls body(case) for numbers of characters and positions around those of vectors; once with each
// character as a target.
template <class Scalar, class Body>
void for_cases(Body&& body) {
  for (const Index characters : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 27, 31, 32, 33, 66, 100}) {
    for (const Index positions : {Index{1}, Index{2}, Index{3}, Index{7}, Index{8}, Index{9},
                                  Index{15}, Index{16}, Index{17}, Index{33}, characters}) {
      body(LogitsCase<Scalar>(characters, targets_by_turns(characters, positions)));
    }
  }
}

template <class Scalar>
class CrossEntropyTest : public ::testing::Test {};

TYPED_TEST_SUITE(CrossEntropyTest, Scalars);

TYPED_TEST(CrossEntropyTest, IsTheNegativeLogProbabilityOfTheTarget) {
  for_cases<TypeParam>([](LogitsCase<TypeParam> one) {
    one.logits.fill_behind_rows(std::numeric_limits<TypeParam>::quiet_NaN());
    const Grid<TypeParam> before = Grid<TypeParam>::random(one.logits.rows(), one.positions(), 1);
    one.forward();
    EXPECT_TRUE(one.losses.edges_are_whole()) << one.positions();
    EXPECT_TRUE(one.logits.surroundings_are_whole()) << one.positions();
    for (Index p = 0; p < one.positions(); ++p) {
      const Exact expected = loss_of(exact_column(before, p), one.target(p));
      EXPECT_TRUE(near(one.losses(0, p), expected, 16 * kEpsilon<TypeParam>))
          << p << " of " << one.positions() << ", " << before.rows() << " characters";
    }
  });
}

TYPED_TEST(CrossEntropyTest, IsTheSameBesideItsGradient) {
  for_cases<TypeParam>([](LogitsCase<TypeParam> one) {
    LogitsCase<TypeParam> other(one.logits.rows(), one.targets);
    one.forward();
    other.forward_with_gradient();
    EXPECT_TRUE(other.losses.edges_are_whole()) << one.positions();
    EXPECT_TRUE(same_bits(other.losses.values(), one.losses.values())) << one.positions();
  });
}

TYPED_TEST(CrossEntropyTest, HasTheGradientOfItsFormula) {
  for_cases<TypeParam>([](LogitsCase<TypeParam> one) {
    for (Index p = 0; p < one.positions(); ++p) {
      one.scales(0, p) = static_cast<TypeParam>(0.375) / static_cast<TypeParam>(1 + p % 4);
    }
    const Grid<TypeParam> before = Grid<TypeParam>::random(one.logits.rows(), one.positions(), 1);
    one.logits.fill_behind_rows(3);
    one.forward_with_gradient();
    EXPECT_TRUE(one.logits.surroundings_are_whole()) << one.positions();
    for (Index p = 0; p < one.positions(); ++p) {
      auto logits = exact_column(before, p);
      const auto loss = [&] { return one.scales(0, p) * loss_of(logits, one.target(p)); };
      for (Index v = 0; v < before.rows(); ++v) {
        const Exact expected = slope(loss, logits[static_cast<std::size_t>(v)], 1e-6L);
        EXPECT_TRUE(near(one.logits(v, p), expected, 1e-12L + 4 * kEpsilon<TypeParam>))
            << v << " of " << before.rows() << ", position " << p << " of " << one.positions();
      }
    }
    // Behind the last position the scale is 0.
    for (Index v = 0; v < before.rows(); ++v) {
      for (Index p = one.positions(); p < padded<TypeParam>(one.positions()); ++p) {
        EXPECT_EQ(one.logits.row(v)[p], 0);
      }
    }
  });
}

TYPED_TEST(CrossEntropyTest, HasAGradientThatSumsToZero) {
  for_cases<TypeParam>([](LogitsCase<TypeParam> one) {
    one.forward_with_gradient();
    for (Index p = 0; p < one.positions(); ++p) {
      const auto gradient = exact_column(one.logits, p);
      const Exact sum = std::accumulate(gradient.begin(), gradient.end(), Exact{0});
      EXPECT_TRUE(near(sum, 0, 8 * kEpsilon<TypeParam>)) << p << " of " << one.positions();
    }
  });
}

// Whichever lane they are: what lets documents be packed together without a trace.
TYPED_TEST(CrossEntropyTest, GivesEqualColumnsEqualBits) {
  const Index positions = 3 * kLanes<TypeParam> + 1;
  for (const Index characters : {2, 27, 66}) {
    LogitsCase<TypeParam> one(characters,
                              std::vector<std::int32_t>(static_cast<std::size_t>(positions), 1));
    for (Index v = 0; v < characters; ++v) {
      std::fill_n(one.logits.row(v), positions, one.logits(v, 0));
    }
    one.forward_with_gradient();
    for (Index p = 1; p < positions; ++p) {
      EXPECT_TRUE(same_bits(one.losses.column(p), one.losses.column(0))) << p;
      EXPECT_TRUE(same_bits(one.logits.column(p), one.logits.column(0))) << p;
    }
  }
}

// Only differences count, so that no size of logits can overflow. Each position has another
// largest character.
TYPED_TEST(CrossEntropyTest, StaysFiniteForLargeLogits) {
  for (const TypeParam size : {TypeParam(1e4), TypeParam(1e30)}) {
    for (const Index characters : {2, 16, 27, 33}) {
      for (const Index ahead : {0, 1}) {  // of the largest character, the target
        std::vector<std::int32_t> targets;
        for (Index p = 0; p < characters; ++p) {
          targets.push_back(static_cast<std::int32_t>((p + ahead) % characters));
        }
        LogitsCase<TypeParam> one(characters, targets);
        one.logits.fill(-size);
        for (Index p = 0; p < characters; ++p) one.logits(p, p) = size;
        one.forward_with_gradient();
        for (Index p = 0; p < characters; ++p) {
          EXPECT_EQ(one.losses(0, p), ahead == 0 ? 0 : 2 * size);
          for (Index v = 0; v < characters; ++v) {
            const int probability = v == p ? 1 : 0;
            const int expected = probability - (v == one.target(p) ? 1 : 0);
            EXPECT_TRUE(near(one.logits(v, p), expected, std::numeric_limits<TypeParam>::min()))
                << v << " of " << characters << " at " << p;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
