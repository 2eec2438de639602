// The three activations and their slopes, held against their formulas in long double.
#include "kernels/activation.hpp"

#include <gtest/gtest.h>

#include <array>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

struct Formula {
  Activation activation;
  Exact (*value)(Exact);
};

constexpr Exact kPi = 3.14159265358979323846264338327950288L;

constexpr std::array kFormulas{
    Formula{Activation::relu_squared, [](Exact x) { return x > 0 ? x * x : 0; }},
    Formula{Activation::relu, [](Exact x) { return x > 0 ? x : 0; }},
    Formula{Activation::gelu,
            [](Exact x) {
              return 0.5L * x * (1 + std::tanh(std::sqrt(2 / kPi) * (x + 0.044715L * x * x * x)));
            }},
};

// A row each of common, small and large inputs, from negative to positive.
template <class Scalar>
Grid<Scalar> inputs() {
  Grid<Scalar> x(3, 241);
  for (Index c = 0; c < x.cols(); ++c) {
    x(0, c) = static_cast<Scalar>(0.1 * static_cast<double>(c - 120));
    x(1, c) = static_cast<Scalar>(1e-3 * static_cast<double>(c - 120));
    x(2, c) = static_cast<Scalar>(100.0 * static_cast<double>(120 - c));
  }
  return x;
}

template <class Scalar>
class ActivationTest : public ::testing::Test {};

TYPED_TEST_SUITE(ActivationTest, Scalars);

TYPED_TEST(ActivationTest, HasTheValueOfItsFormula) {
  auto x = inputs<TypeParam>();
  for (const auto& [activation, value] : kFormulas) {
    Grid<TypeParam> y(x.rows(), x.cols());
    activate<TypeParam>(activation, x, y);
    EXPECT_TRUE(y.surroundings_are_whole());
    for (Index r = 0; r < x.rows(); ++r) {
      for (Index c = 0; c < x.cols(); ++c) {
        const Exact expected = value(x(r, c));
        // gelu is the difference of near numbers where x is negative: its error is one of x.
        const Exact size = std::max(std::abs(expected), std::abs(Exact{x(r, c)}));
        EXPECT_TRUE(near(y(r, c), expected, 4 * kEpsilon<TypeParam> * size)) << x(r, c);
      }
    }
  }
}

TYPED_TEST(ActivationTest, HasTheSlopeOfItsFormula) {
  auto x = inputs<TypeParam>();
  for (const auto& [activation, value] : kFormulas) {
    auto dx = Grid<TypeParam>::random(x.rows(), x.cols(), 1);
    const Grid<TypeParam> dy = Grid<TypeParam>::random(x.rows(), x.cols(), 1);
    Grid<TypeParam> y(x.rows(), x.cols());
    activate_backward<TypeParam>(activation, x, y, dx);
    EXPECT_TRUE(dx.surroundings_are_whole());
    for (Index r = 0; r < x.rows(); ++r) {
      for (Index c = 0; c < x.cols(); ++c) {
        if (x(r, c) == 0) continue;  // where relu has no slope: see below
        Exact at = x(r, c);
        const Exact h = 1e-6L * std::max<Exact>(1, std::abs(at));
        const Exact expected = dy(r, c) * slope([&, f = value] { return f(at); }, at, h);
        const Exact size = std::abs(dy(r, c)) * (2 + std::abs(Exact{x(r, c)}));
        EXPECT_TRUE(near(dx(r, c), expected, (1e-11L + 4 * kEpsilon<TypeParam>)*size)) << at;
      }
    }
  }
}

// Whatever y held before, for any number of rows and columns.
TYPED_TEST(ActivationTest, IsMadeAgainBesideItsGradient) {
  for (const auto& formula : kFormulas) {
    for (const Index rows : {1, 2, 5}) {
      for (Index cols = 1; cols <= 40; ++cols) {
        auto x = Grid<TypeParam>::random(rows, cols, 1),
             dy = Grid<TypeParam>::random(rows, cols, 2);
        Grid<TypeParam> y(rows, cols), again(rows, cols);
        again.fill(std::numeric_limits<TypeParam>::quiet_NaN());
        activate<TypeParam>(formula.activation, x, y);
        activate_backward<TypeParam>(formula.activation, x, again, dy);
        EXPECT_TRUE(same_bits(again.values(), y.values())) << rows << " x " << cols;
        EXPECT_TRUE(again.surroundings_are_whole()) << rows << " x " << cols;
        EXPECT_TRUE(dy.surroundings_are_whole()) << rows << " x " << cols;
      }
    }
  }
}

TYPED_TEST(ActivationTest, HasASlopeAtZero) {
  struct Case {
    Activation activation;
    TypeParam slope;
  };
  for (const auto& [activation, slope_at_zero] : {
           Case{Activation::relu_squared, 0},
           Case{Activation::relu, 0},
           Case{Activation::gelu, TypeParam(0.5)},
       }) {
    Grid<TypeParam> zeros(1, 20), y(1, 20), gradient(1, 20);
    gradient.fill(3);
    activate_backward<TypeParam>(activation, zeros, y, gradient);
    for (Index c = 0; c < 20; ++c) {
      EXPECT_EQ(y(0, c), 0);
      EXPECT_EQ(gradient(0, c), 3 * slope_at_zero);
    }
  }
}

// However large: x³ overflows long before x does.
TYPED_TEST(ActivationTest, OfGeluIsThatOfReluFarFromZero) {
  for (double size = 1e2; size < std::numeric_limits<TypeParam>::max() / 1e3; size *= 1e3) {
    for (const bool positive : {true, false}) {
      Grid<TypeParam> x(1, 20), y(1, 20), gradient(1, 20);
      x.fill(static_cast<TypeParam>(positive ? size : -size));
      gradient.fill(3);
      activate_backward<TypeParam>(Activation::gelu, x, y, gradient);
      for (Index c = 0; c < 20; ++c) {
        EXPECT_EQ(y(0, c), positive ? x(0, c) : 0) << x(0, c);
        EXPECT_EQ(gradient(0, c), positive ? 3 : 0) << x(0, c);
      }
    }
  }
}

TYPED_TEST(ActivationTest, WorksInPlace) {
  for (const auto& formula : kFormulas) {
    auto x = inputs<TypeParam>();
    Grid<TypeParam> y(x.rows(), x.cols());
    activate<TypeParam>(formula.activation, x, y);
    activate<TypeParam>(formula.activation, x, x);
    EXPECT_TRUE(same_bits(x.values(), y.values()));
  }
}

// At any place of a row, in the value and in the gradient, and nowhere else.
TYPED_TEST(ActivationTest, KeepsWhatIsNotANumber) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  for (const auto& formula : kFormulas) {
    for (Index at = 0; at < 37; ++at) {
      auto x = Grid<TypeParam>::random(1, 37, 1), nan_gradient = Grid<TypeParam>::random(1, 37, 2);
      auto gradient = Grid<TypeParam>::random(1, 37, 2);
      Grid<TypeParam> y(1, 37), again(1, 37);
      nan_gradient(0, at) = nan;
      x(0, at) = 1;
      activate_backward<TypeParam>(formula.activation, x, y, nan_gradient);
      x(0, at) = nan;
      activate<TypeParam>(formula.activation, x, y);
      activate_backward<TypeParam>(formula.activation, x, again, gradient);
      for (Index c = 0; c < 37; ++c) {
        EXPECT_EQ(std::isnan(y(0, c)), c == at) << at;
        EXPECT_EQ(std::isnan(again(0, c)), c == at) << at;
        EXPECT_EQ(std::isnan(nan_gradient(0, c)), c == at) << at;
      }
    }
  }
}

TYPED_TEST(ActivationTest, KeepsInfinity) {
  for (const auto& formula : kFormulas) {
    Grid<TypeParam> x(1, 20), y(1, 20);
    x.fill(std::numeric_limits<TypeParam>::infinity());
    activate<TypeParam>(formula.activation, x, y);
    for (Index c = 0; c < 20; ++c) EXPECT_FALSE(std::isfinite(y(0, c)));
  }
}

}  // namespace
}  // namespace microgpt::kernels
