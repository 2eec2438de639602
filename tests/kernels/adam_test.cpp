// An update by Adam, held against its formula, and what its moments may never become.
#include "kernels/adam.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

// One parameter with its moments, by the formula as it stands in the papers.
struct Parameter {
  Exact value, m = 0, v = 0;

  void update(Exact gradient, int t, const AdamStep& step) {
    m = step.beta1 * m + (1 - Exact{step.beta1}) * gradient;
    v = step.beta2 * v + (1 - Exact{step.beta2}) * gradient * gradient;
    const Exact m_hat = m / (1 - std::pow(Exact{step.beta1}, t));
    const Exact v_hat = v / (1 - std::pow(Exact{step.beta2}, t));
    value -= step.learning_rate *
             (m_hat / (std::sqrt(v_hat) + step.epsilon) + step.weight_decay * value);
  }
};

AdamStep adam_step(int t, double weight_decay, double gradient_scale) {
  const double beta1 = 0.9, beta2 = 0.95;
  return {.learning_rate = 0.01 / t,
          .beta1 = beta1,
          .beta2 = beta2,
          .epsilon = 1e-8,
          .weight_decay = weight_decay,
          .bias_correction1 = 1 - std::pow(beta1, t),
          .bias_correction2 = 1 - std::pow(beta2, t),
          .gradient_scale = gradient_scale};
}

template <class Scalar>
class AdamTest : public ::testing::Test {
 protected:
  // Ten steps of `count` parameters, each step with gradients of its own.
  static void expect_formula(Index count, double weight_decay, double gradient_scale) {
    auto parameters = Grid<Scalar>::random(1, count, 1).values();
    std::vector<Scalar> m(parameters.size()), v(parameters.size());
    std::vector<Parameter> expected;
    for (const Scalar parameter : parameters) expected.push_back({.value = parameter});

    for (int t = 1; t <= 10; ++t) {
      const AdamStep step = adam_step(t, weight_decay, gradient_scale);
      const auto gradient = Grid<Scalar>::random(1, count, static_cast<std::uint64_t>(t)).values();
      adam_update<Scalar>(step, gradient, parameters, m, v);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        expected[i].update(gradient[i] * static_cast<Exact>(gradient_scale), t, step);
        const Exact tolerance = 32 * kEpsilon<Scalar>;
        EXPECT_TRUE(near(parameters[i], expected[i].value, tolerance)) << i << " of " << count;
        EXPECT_TRUE(near(m[i], expected[i].m, tolerance)) << i << " of " << count;
        EXPECT_TRUE(near(v[i], expected[i].v, tolerance)) << i << " of " << count;
      }
    }
  }
};

TYPED_TEST_SUITE(AdamTest, Scalars);

TYPED_TEST(AdamTest, FollowsItsFormulaForAnyNumberOfParameters) {
  for (Index count = 1; count <= 70; ++count) this->expect_formula(count, 0, 1);
}

TYPED_TEST(AdamTest, DecaysWeightsBesideTheGradient) {
  for (const double decay : {0.01, 0.5}) this->expect_formula(33, decay, 1);
}

TYPED_TEST(AdamTest, ScalesTheGradient) {
  for (const double scale : {0.5, 1e-3}) this->expect_formula(33, 0.1, scale);
}

// The first step is lr in the direction of the gradient, whatever its size.
TYPED_TEST(AdamTest, StartsWithoutBias) {
  for (const double size : {1e-3, 1.0, 1e3}) {
    const std::vector<TypeParam> gradient{static_cast<TypeParam>(size),
                                          static_cast<TypeParam>(-size)};
    std::vector<TypeParam> parameters(2), m(2), v(2);
    adam_update<TypeParam>(adam_step(1, 0, 1), gradient, parameters, m, v);
    EXPECT_TRUE(near(parameters[0], -0.01L, 2e-7L)) << size;
    EXPECT_TRUE(near(parameters[1], 0.01L, 2e-7L)) << size;
  }
}

TYPED_TEST(AdamTest, LeavesAParameterWithoutGradient) {
  std::vector<TypeParam> gradient(20), parameters(20, 3), m(20), v(20);
  for (int t = 1; t <= 5; ++t) {
    adam_update<TypeParam>(adam_step(t, 0, 1), gradient, parameters, m, v);
  }
  EXPECT_EQ(parameters, std::vector<TypeParam>(20, 3));
}

// What training stops for: any one gradient that is not finite, or too large for its square.
TYPED_TEST(AdamTest, ReturnsTheGradientsShareOfTheSecondMoments) {
  constexpr TypeParam kLargest = std::numeric_limits<TypeParam>::max();
  for (const std::size_t count : {1U, 7U, 40U, 69U}) {
    for (std::size_t one = 0; one < count; ++one) {
      const auto sum_with = [&](TypeParam other) {
        std::vector<TypeParam> gradient(count, 2), parameters(count), m(count), v(count, 3);
        gradient[one] = other;
        return adam_update<TypeParam>(adam_step(1, 0, 0.5), gradient, parameters, m, v);
      };
      const Exact sum = 0.05L * static_cast<Exact>(count);
      EXPECT_TRUE(near(sum_with(2), sum, 32 * kEpsilon<TypeParam>)) << count;
      EXPECT_TRUE(std::isfinite(sum_with(std::sqrt(kLargest))));
      for (const TypeParam bad : {kLargest, std::numeric_limits<TypeParam>::infinity(),
                                  std::numeric_limits<TypeParam>::quiet_NaN()}) {
        EXPECT_FALSE(std::isfinite(sum_with(bad))) << one << " of " << count;
        EXPECT_FALSE(std::isfinite(sum_with(-bad))) << one << " of " << count;
      }
    }
  }
}

// Arithmetic on denormal numbers is slow, and a parameter may be without a gradient for ever.
TYPED_TEST(AdamTest, KeepsMomentsNormalWhenTheGradientHasEnded) {
  std::vector<TypeParam> gradient(20, 1), parameters(20), m(20), v(20);
  for (int t = 1; t <= 20000; ++t) {
    adam_update<TypeParam>(adam_step(t, 0, 1), gradient, parameters, m, v);
    for (std::size_t i = 0; i < m.size(); ++i) {
      ASSERT_TRUE(m[i] == 0 || std::isnormal(m[i])) << "step " << t << ", mean " << m[i];
      ASSERT_TRUE(std::isnormal(v[i])) << "step " << t << ", square " << v[i];
    }
    gradient.assign(20, 0);
  }
  for (const TypeParam mean : m) EXPECT_LT(std::abs(mean), 1e-30);
}

}  // namespace
}  // namespace microgpt::kernels
