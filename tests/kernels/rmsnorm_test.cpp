#include "kernels/rmsnorm.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

using Vector = std::vector<Exact>;

Exact inverse_rms_of(const Vector& x) {
  const Exact squares = std::inner_product(x.begin(), x.end(), x.begin(), Exact{0});
  return 1 / std::sqrt(squares / static_cast<Exact>(x.size()) + 1e-5L);
}

template <class Scalar>
Vector exact_row(const Grid<Scalar>& grid, Index r) {
  Vector row;
  for (Index c = 0; c < grid.cols(); ++c) row.push_back(grid(r, c));
  return row;
}

// Five rows of values from tiny to large; the last one is zero.
template <class Scalar>
Grid<Scalar> rows_of_all_sizes(Index width) {
  constexpr std::array kSizes{1.0, 1e-3, 1e-6, 1e6, 0.0};
  auto x = Grid<Scalar>::random(5, width, 1);
  for (Index r = 0; r < 5; ++r) {
    for (Index c = 0; c < width; ++c) {
      x(r, c) *= static_cast<Scalar>(kSizes[static_cast<std::size_t>(r)]);
    }
  }
  return x;
}

constexpr std::array<Index, 16> kWidths{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

// The norm of a matrix of rows.
template <class Scalar>
struct Norm {
  explicit Norm(Grid<Scalar>& x)
      : inverse_rms(static_cast<std::size_t>(x.rows())), y(x.rows(), x.cols()) {
    rmsnorm<Scalar>(x, inverse_rms.data(), y);
  }

  [[nodiscard]] Scalar factor(Index r) const { return inverse_rms[static_cast<std::size_t>(r)]; }

  std::vector<Scalar> inverse_rms;
  Grid<Scalar> y;
};

template <class Scalar>
class RmsNormTest : public ::testing::Test {};

TYPED_TEST_SUITE(RmsNormTest, Scalars);

TYPED_TEST(RmsNormTest, DividesByTheRootOfTheMeanSquare) {
  const Exact tolerance = 4 * kEpsilon<TypeParam>;
  for (const Index width : kWidths) {
    auto x = rows_of_all_sizes<TypeParam>(width);
    const Norm norm(x);
    EXPECT_TRUE(norm.y.edges_are_whole()) << width;
    for (Index r = 0; r < 5; ++r) {
      const Exact expected = inverse_rms_of(exact_row(x, r));
      EXPECT_TRUE(near(norm.factor(r), expected, tolerance * expected)) << width << ", row " << r;
      for (Index c = 0; c < width; ++c) {
        const Exact y = x(r, c) * expected;
        EXPECT_TRUE(near(norm.y(r, c), y, tolerance * std::abs(y))) << width << ", row " << r;
      }
    }
  }
}

TYPED_TEST(RmsNormTest, IsMadeAgainFromWhatWasKept) {
  for (const Index width : kWidths) {
    auto x = rows_of_all_sizes<TypeParam>(width);
    const Norm norm(x);
    Grid<TypeParam> again(5, width);
    rmsnorm_again<TypeParam>(x, norm.inverse_rms.data(), again);
    EXPECT_TRUE(same_bits(again.values(), norm.y.values())) << width;
  }
}

// dx against the slope of Σ dy · y, taken from the formula.
TYPED_TEST(RmsNormTest, HasTheGradientOfItsFormula) {
  for (const Index width : kWidths) {
    auto x = Grid<TypeParam>::random(3, width, 1), dy = Grid<TypeParam>::random(3, width, 2);
    const Norm norm(x);
    Grid<TypeParam> dx(3, width);
    rmsnorm_backward<TypeParam>(x, norm.inverse_rms.data(), dy, dx);
    EXPECT_TRUE(dx.edges_are_whole()) << width;
    for (Index r = 0; r < 3; ++r) {
      Vector x_row = exact_row(x, r);
      const Vector dy_row = exact_row(dy, r);
      const auto loss = [&] {
        return std::inner_product(x_row.begin(), x_row.end(), dy_row.begin(), Exact{0}) *
               inverse_rms_of(x_row);
      };
      const Exact size = std::sqrt(static_cast<Exact>(width)) * inverse_rms_of(x_row);
      for (Index c = 0; c < width; ++c) {
        const Exact expected = slope(loss, x_row[static_cast<std::size_t>(c)], 1e-6L);
        EXPECT_TRUE(near(dx(r, c), expected, (1e-10L + 20 * kEpsilon<TypeParam>)*size))
            << width << " at " << r << ", " << c;
      }
    }
  }
}

TYPED_TEST(RmsNormTest, AddsItsGradientToTheOneThatFlowsPast) {
  for (const Index width : kWidths) {
    auto x = rows_of_all_sizes<TypeParam>(width), dy = Grid<TypeParam>::random(5, width, 2);
    auto sum = Grid<TypeParam>::random(5, width, 3);
    const Grid<TypeParam> past = Grid<TypeParam>::random(5, width, 3);
    const Norm norm(x);
    Grid<TypeParam> dx(5, width);
    rmsnorm_backward<TypeParam>(x, norm.inverse_rms.data(), dy, dx);
    rmsnorm_backward_add<TypeParam>(x, norm.inverse_rms.data(), dy, sum);
    EXPECT_TRUE(sum.edges_are_whole()) << width;
    for (Index r = 0; r < 5; ++r) {
      for (Index c = 0; c < width; ++c) {
        const Exact size =
            std::abs(past(r, c)) + 3 * std::abs(dx(r, c)) + std::abs(dy(r, c)) * norm.factor(r);
        EXPECT_TRUE(near(sum(r, c), Exact{past(r, c)} + dx(r, c), 4 * kEpsilon<TypeParam> * size))
            << width << " at " << r << ", " << c;
      }
    }
  }
}

TYPED_TEST(RmsNormTest, WorksInPlace) {
  for (const Index width : kWidths) {
    auto x = Grid<TypeParam>::random(3, width, 1), dy = Grid<TypeParam>::random(3, width, 2);
    const Norm norm(x);
    Grid<TypeParam> dx(3, width);
    rmsnorm_backward<TypeParam>(x, norm.inverse_rms.data(), dy, dx);
    rmsnorm_backward<TypeParam>(x, norm.inverse_rms.data(), dy, dy);
    EXPECT_TRUE(same_bits(dy.values(), dx.values())) << width;

    std::vector<TypeParam> inverse_rms(3);
    rmsnorm<TypeParam>(x, inverse_rms.data(), x);
    EXPECT_TRUE(same_bits(x.values(), norm.y.values())) << width;
  }
}

// Wherever they lie: what lets documents be packed together without a trace.
TYPED_TEST(RmsNormTest, GivesEqualRowsEqualBits) {
  for (const Index width : kWidths) {
    auto one = Grid<TypeParam>::random(1, width, 1);
    Grid<TypeParam> x(9, width);
    for (Index r = 0; r < 9; ++r) std::copy_n(one.row(0), width, x.row(r));
    Norm norm(x);
    for (Index r = 1; r < 9; ++r) {
      EXPECT_TRUE(same_bits(norm.y.row(r), norm.y.row(0), width)) << width << ", row " << r;
    }
  }
}

TYPED_TEST(RmsNormTest, KeepsWhatIsNotANumberToItsRow) {
  for (Index at = 0; at < 33; ++at) {
    auto x = Grid<TypeParam>::random(2, 33, 1);
    x(1, at) = std::numeric_limits<TypeParam>::quiet_NaN();
    const Norm norm(x);
    for (Index c = 0; c < 33; ++c) {
      EXPECT_FALSE(std::isnan(norm.y(0, c))) << at;
      EXPECT_TRUE(std::isnan(norm.y(1, c))) << at;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
