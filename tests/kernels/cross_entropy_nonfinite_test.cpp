// A logit that is not finite must not hide: training stops on a loss or gradient that is not.
#include <gtest/gtest.h>

#include "kernels/cross_entropy.hpp"
#include "support.hpp"

namespace microgpt::kernels {
namespace {

// Calls body(logits, count, target, at) for rows with `value` at each place, and each target.
template <class Scalar, class Body>
void with_value_everywhere(Scalar value, Body&& body) {
  for (const Index count : {1, 2, 5, 16, 17, 27, 33}) {
    for (Index at = 0; at < count; ++at) {
      for (Index target = 0; target < count; ++target) {
        auto row = Grid<Scalar>::random(1, count, 1);
        row(0, at) = value;
        body(row.row(0), count, target, at);
      }
    }
  }
}

template <class Scalar>
class CrossEntropyNonfiniteTest : public ::testing::Test {
 protected:
  static constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();
  static constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();
};

TYPED_TEST_SUITE(CrossEntropyNonfiniteTest, Scalars);

TYPED_TEST(CrossEntropyNonfiniteTest, ShowsANanInTheLoss) {
  for (const TypeParam nan : {this->kNan, -this->kNan}) {
    with_value_everywhere(nan, [](TypeParam* logits, Index count, Index target, Index at) {
      EXPECT_TRUE(std::isnan(cross_entropy(logits, count, target)))
          << at << " of " << count << ", target " << target;
    });
  }
}

TYPED_TEST(CrossEntropyNonfiniteTest, ShowsANanInLossAndGradient) {
  with_value_everywhere(this->kNan, [](TypeParam* logits, Index count, Index target, Index at) {
    const double loss = cross_entropy_with_gradient(logits, count, target, TypeParam{1});
    EXPECT_TRUE(std::isnan(loss)) << at << " of " << count << ", target " << target;
    for (Index i = 0; i < count; ++i) EXPECT_TRUE(std::isnan(logits[i])) << i << " of " << count;
  });
}

TYPED_TEST(CrossEntropyNonfiniteTest, ShowsInfinityInTheLoss) {
  with_value_everywhere(this->kInfinity,
                        [](TypeParam* logits, Index count, Index target, Index at) {
                          EXPECT_FALSE(std::isfinite(cross_entropy(logits, count, target)))
                              << at << " of " << count << ", target " << target;
                        });
}

TYPED_TEST(CrossEntropyNonfiniteTest, IsInfiniteForAnImpossibleTarget) {
  with_value_everywhere(
      -this->kInfinity, [](TypeParam* logits, Index count, Index target, Index at) {
        const double loss = cross_entropy(logits, count, target);
        if (count == 1) {
          EXPECT_FALSE(std::isfinite(loss));
        } else if (at == target) {
          EXPECT_EQ(loss, std::numeric_limits<double>::infinity()) << at << " of " << count;
        } else {
          EXPECT_TRUE(std::isfinite(loss)) << at << " of " << count << ", target " << target;
        }
      });
}

}  // namespace
}  // namespace microgpt::kernels
