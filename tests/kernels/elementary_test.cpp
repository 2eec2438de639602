// Elementary functions of vectors against those of long double, lane by lane.
#include "kernels/elementary.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <numbers>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

/// The distance between neighbouring numbers at `x`, of which results are so many away.
template <class Scalar>
Exact ulp(Exact x) {
  const int exponent = std::max(std::ilogb(x), std::numeric_limits<Scalar>::min_exponent - 1);
  return std::ldexp(Exact{1}, exponent - (std::numeric_limits<Scalar>::digits - 1));
}

template <class Scalar>
class ElementaryTest : public ::testing::Test {
 protected:
  using Limits = std::numeric_limits<Scalar>;
  static constexpr Scalar kNan = Limits::quiet_NaN();
  static constexpr Scalar kInfinity = Limits::infinity();
  // Below, a result may have fewer digits, or none.
  static constexpr Exact kSmallest = Exact{Limits::min()} * (1 + 8 * kEpsilon<Scalar>);

  // `count` numbers that lie evenly from `low` to `high`, and those next to both ends.
  static std::vector<Scalar> evenly(double low, double high, int count) {
    const auto first = static_cast<Scalar>(low), last = static_cast<Scalar>(high);
    std::vector<Scalar> values{first, std::nextafter(first, last), std::nextafter(last, first),
                               last};
    for (int i = 0; i < count; ++i) {
      values.push_back(static_cast<Scalar>(low + (high - low) * i / count));
    }
    return values;
  }

  // `count` numbers from `low` to `high`, as many between 1 and 2 as between 2 and 4.
  static std::vector<Scalar> by_size(double low, double high, int count) {
    std::vector<Scalar> values;
    for (int i = 0; i <= count; ++i) {
      values.push_back(static_cast<Scalar>(low * std::pow(high / low, 1.0 * i / count)));
    }
    return values;
  }

  // Calls body(x, function(x)) for each value, in whichever lane it comes to lie.
  template <class Function, class Body>
  static void for_results(std::vector<Scalar> values, Function&& function, Body&& body) {
    values.resize(static_cast<std::size_t>(padded<Scalar>(std::ssize(values))), values.back());
    std::vector<Scalar> results(values.size());
    for (std::size_t i = 0; i < values.size(); i += kLanes<Scalar>) {
      store(&results[i], function(load(&values[i])));
    }
    for (std::size_t i = 0; i < values.size(); ++i) body(values[i], results[i]);
  }

  // |function(x) - exact(x)| <= ulps, where the result is a normal number.
  template <class Function>
  static void expect_within(Exact ulps, const std::vector<Scalar>& values, Function&& function,
                            Exact (*exact)(Exact)) {
    Exact worst = 0;
    Scalar worst_x = 0;
    for_results(values, function, [&](Scalar x, Scalar y) {
      const Exact expected = exact(x);
      if (std::abs(expected) < kSmallest) {
        EXPECT_TRUE(std::abs(y) <= kSmallest && y * expected >= 0) << x << ": " << y;
        return;
      }
      const Exact error = std::abs(y - expected) / ulp<Scalar>(expected);
      if (!(error <= worst)) {
        worst = error;
        worst_x = x;
      }
    });
    EXPECT_LE(worst, ulps) << "for " << worst_x;
  }

  template <class Function>
  static void expect_normal_or_nothing(const std::vector<Scalar>& values, Function&& function) {
    for_results(values, function,
                [](Scalar x, Scalar y) { EXPECT_TRUE(y == 0 || y >= Limits::min()) << x; });
  }

  // The same x gives the same bits in each lane, whatever stands in the others.
  template <class Function>
  static void expect_lanes_alike(const std::vector<Scalar>& values, Function&& function) {
    for (const Scalar x : values) {
      const Scalar expected = function(broadcast<Scalar>(x))[0];
      for (Index lane = 0; lane < kLanes<Scalar>; ++lane) {
        for (const Scalar other : {Scalar{1}, kNan, kInfinity}) {
          Vector<Scalar> vector = broadcast<Scalar>(other);
          vector[lane] = x;
          const Scalar result = function(vector)[lane];
          EXPECT_TRUE(same_bits(&result, &expected, 1)) << x << " in lane " << lane;
        }
      }
    }
  }
};

TYPED_TEST_SUITE(ElementaryTest, Scalars);

template <class Scalar>
constexpr auto kExp2 = [](Vector<Scalar> x) { return exp2_of_product<Scalar>(x, 1); };
template <class Scalar>
constexpr auto kLog = [](Vector<Scalar> x) { return log<Scalar>(x); };
template <class Scalar>
constexpr auto kQuickReciprocal = [](Vector<Scalar> x) { return quick_reciprocal<Scalar>(x); };
template <class Scalar>
constexpr auto kSqrt = [](Vector<Scalar> x) { return sqrt<Scalar>(x); };

// A softmax takes powers of two of differences to the largest score, down to where nothing is left.
TYPED_TEST(ElementaryTest, Exp2IsWithinOneAndAHalfUlp) {
  const bool single = sizeof(TypeParam) == 4;
  const auto exact = [](Exact x) { return std::exp2(x); };
  this->expect_within(1.5L, this->evenly(single ? -150 : -1080, 0, 400'000), kExp2<TypeParam>,
                      exact);
  this->expect_within(1.5L, this->evenly(-1, 0, 400'000), kExp2<TypeParam>, exact);
  this->expect_within(1.5L, this->by_size(-1e-30, -1, 10'000), kExp2<TypeParam>, exact);
}

// The product is not rounded before the power is taken.
TYPED_TEST(ElementaryTest, Exp2OfAProductIsAsExact) {
  static constexpr TypeParam kFactor = std::numbers::log2e_v<TypeParam>;
  const bool single = sizeof(TypeParam) == 4;
  const auto exact = [](Exact x) { return std::exp2(x * kFactor); };
  const auto exp2_of = [](Vector<TypeParam> x) { return exp2_of_product<TypeParam>(x, kFactor); };
  const auto values = this->evenly(single ? -90 : -715, 0, 400'000);
  this->expect_within(1.5L, values, exp2_of, exact);
  this->expect_normal_or_nothing(values, exp2_of);
}

TYPED_TEST(ElementaryTest, Exp2HasItsLimits) {
  const TypeParam largest = std::numeric_limits<TypeParam>::max();
  const auto exp2_of = [](TypeParam x) {
    return exp2_of_product<TypeParam>(broadcast<TypeParam>(x), 1)[0];
  };
  EXPECT_EQ(exp2_of(0), 1);
  EXPECT_EQ(exp2_of(TypeParam(-0.0)), 1);
  for (int n = std::numeric_limits<TypeParam>::min_exponent; n < 0; ++n) {
    EXPECT_EQ(exp2_of(static_cast<TypeParam>(n)), std::ldexp(TypeParam{1}, n)) << n;
  }
  for (const TypeParam x : {TypeParam(-1e4), TypeParam(-1e30), -largest, -this->kInfinity}) {
    EXPECT_EQ(exp2_of(x), 0) << x;
  }
  for (const TypeParam nan : {this->kNan, -this->kNan}) EXPECT_TRUE(std::isnan(exp2_of(nan)));
}

// A result is a normal number or nothing.
TYPED_TEST(ElementaryTest, Exp2HasNoSubnormalResults) {
  const bool single = sizeof(TypeParam) == 4;
  const auto values = this->evenly(single ? -150 : -1080, single ? -125 : -1021, 100'000);
  this->expect_normal_or_nothing(values, kExp2<TypeParam>);
}

// Of a sum of weights, of which the largest is 1.
TYPED_TEST(ElementaryTest, LogIsWithinTwoUlp) {
  const auto exact = [](Exact x) { return std::log(x); };
  this->expect_within(2, this->evenly(1.01, 300, 300'000), kLog<TypeParam>, exact);
  this->expect_within(2, this->by_size(1.01, 1e9, 100'000), kLog<TypeParam>, exact);
  EXPECT_EQ(log<TypeParam>(broadcast<TypeParam>(1))[0], 0);
  EXPECT_TRUE(std::isnan(log<TypeParam>(broadcast<TypeParam>(this->kNan))[0]));
}

TYPED_TEST(ElementaryTest, SqrtIsCorrectlyRounded) {
  const auto exact = [](Exact x) { return std::sqrt(x); };
  this->expect_within(0.5L, this->by_size(1e-30, 1e30, 100'000), kSqrt<TypeParam>, exact);
  this->expect_within(0.5L, this->evenly(0.5, 4, 100'000), kSqrt<TypeParam>, exact);
  EXPECT_EQ(sqrt<TypeParam>(Vector<TypeParam>{})[0], 0);
  EXPECT_TRUE(std::isnan(sqrt<TypeParam>(broadcast<TypeParam>(this->kNan))[0]));
  EXPECT_TRUE(std::isnan(sqrt<TypeParam>(broadcast<TypeParam>(-1))[0]));
}

TYPED_TEST(ElementaryTest, QuickReciprocalIsWithinTwoUlp) {
  const auto exact = [](Exact x) { return 1 / x; };
  this->expect_within(2, this->by_size(1e-30, 1e30, 200'000), kQuickReciprocal<TypeParam>, exact);
  this->expect_within(2, this->evenly(0.5, 4, 200'000), kQuickReciprocal<TypeParam>, exact);
}

TYPED_TEST(ElementaryTest, QuickReciprocalHasItsLimits) {
  const auto of = [](TypeParam x) {
    return quick_reciprocal<TypeParam>(broadcast<TypeParam>(x))[0];
  };
  const TypeParam smallest = std::numeric_limits<TypeParam>::min();
  for (const TypeParam x : {2 / smallest, std::numeric_limits<TypeParam>::max()}) {
    EXPECT_GE(of(x), 0) << x;
    EXPECT_LT(of(x), smallest) << x;
  }
  EXPECT_TRUE(std::isnan(of(this->kNan)));
}

TYPED_TEST(ElementaryTest, AllLanesAreRoundedAlike) {
  this->expect_lanes_alike(this->evenly(-130, 0, 300), kExp2<TypeParam>);
  this->expect_lanes_alike(this->evenly(1, 100, 300), kLog<TypeParam>);
  this->expect_lanes_alike(this->evenly(0, 100, 300), kSqrt<TypeParam>);
  this->expect_lanes_alike(this->evenly(1, 100, 300), kQuickReciprocal<TypeParam>);
}

TYPED_TEST(ElementaryTest, MaximumIsTheLargerOfEachLane) {
  const std::vector<TypeParam> numbers{-this->kInfinity, -3, 0, 2, 7, this->kInfinity};
  for (const TypeParam a : numbers) {
    for (const TypeParam b : numbers) {
      for (Index lane = 0; lane < kLanes<TypeParam>; ++lane) {
        Vector<TypeParam> first = broadcast<TypeParam>(b), second = broadcast<TypeParam>(b);
        first[lane] = a;
        const Vector<TypeParam> larger = maximum(first, second);
        for (Index i = 0; i < kLanes<TypeParam>; ++i) {
          EXPECT_EQ(larger[i], i == lane ? std::max(a, b) : b);
        }
      }
    }
  }
}

TYPED_TEST(ElementaryTest, MaximumKeepsANanOfTheSecond) {
  const Vector<TypeParam> number = broadcast<TypeParam>(5);
  const Vector<TypeParam> nan = broadcast<TypeParam>(this->kNan);
  EXPECT_EQ(maximum(nan, number)[0], 5);
  EXPECT_TRUE(std::isnan(maximum(number, nan)[0]));
  EXPECT_TRUE(std::isnan(maximum(nan, nan)[0]));
}

}  // namespace
}  // namespace microgpt::kernels
