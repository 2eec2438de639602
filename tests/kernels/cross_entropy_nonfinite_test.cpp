// A logit that is not finite must not hide: training stops on a loss or gradient that is not.
#include <gtest/gtest.h>

#include "cross_entropy_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class CrossEntropyNonfiniteTest : public ::testing::Test {
 protected:
  static constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();
  static constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();

  // Calls body(case, at) for logits of which character `at` is `value` in one position and random
  // in the others; each position has another target.
  template <class Body>
  static void with_value_everywhere(Scalar value, Body&& body) {
    for (const Index characters : {1, 2, 5, 16, 17, 27, 33}) {
      for (Index at = 0; at < characters; ++at) {
        LogitsCase<Scalar> one(characters, targets_by_turns(characters, characters));
        for (Index p = 0; p < characters; p += 2) one.logits(at, p) = value;
        body(one, at);
      }
    }
  }

  // Whether the value was put into a position.
  static bool has_value(Index position) { return position % 2 == 0; }
};

TYPED_TEST_SUITE(CrossEntropyNonfiniteTest, Scalars);

TYPED_TEST(CrossEntropyNonfiniteTest, ShowsANanInTheLossOfItsPosition) {
  for (const TypeParam nan : {this->kNan, -this->kNan}) {
    this->with_value_everywhere(nan, [&](LogitsCase<TypeParam>& one, Index at) {
      one.forward();
      for (Index p = 0; p < one.positions(); ++p) {
        EXPECT_EQ(std::isnan(one.losses(0, p)), this->has_value(p))
            << at << " of " << one.logits.rows() << ", target " << one.target(p);
      }
    });
  }
}

TYPED_TEST(CrossEntropyNonfiniteTest, ShowsANanInLossAndGradientOfItsPosition) {
  this->with_value_everywhere(this->kNan, [&](LogitsCase<TypeParam>& one, Index at) {
    one.forward_with_gradient();
    for (Index p = 0; p < one.positions(); ++p) {
      EXPECT_EQ(std::isnan(one.losses(0, p)), this->has_value(p))
          << at << " of " << one.logits.rows() << ", target " << one.target(p);
      for (const TypeParam element : one.logits.column(p)) {
        EXPECT_EQ(std::isnan(element), this->has_value(p)) << at << " of " << one.logits.rows();
      }
    }
  });
}

TYPED_TEST(CrossEntropyNonfiniteTest, ShowsInfinityInTheLossOfItsPosition) {
  this->with_value_everywhere(this->kInfinity, [&](LogitsCase<TypeParam>& one, Index at) {
    one.forward();
    for (Index p = 0; p < one.positions(); ++p) {
      EXPECT_EQ(std::isfinite(one.losses(0, p)), !this->has_value(p))
          << at << " of " << one.logits.rows() << ", target " << one.target(p);
    }
  });
}

TYPED_TEST(CrossEntropyNonfiniteTest, IsInfiniteForAnImpossibleTarget) {
  this->with_value_everywhere(-this->kInfinity, [&](LogitsCase<TypeParam>& one, Index at) {
    one.forward();
    for (Index p = 0; p < one.positions(); ++p) {
      const TypeParam loss = one.losses(0, p);
      if (one.logits.rows() == 1) {
        EXPECT_FALSE(std::isfinite(loss));
      } else if (this->has_value(p) && at == one.target(p)) {
        EXPECT_EQ(loss, this->kInfinity) << at << " of " << one.logits.rows();
      } else {
        EXPECT_TRUE(std::isfinite(loss)) << at << " of " << one.logits.rows();
      }
    }
  });
}

}  // namespace
}  // namespace microgpt::kernels
