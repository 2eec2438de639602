// The gradient of RMSNorm, held against its formula.
#include <gtest/gtest.h>

#include "rmsnorm_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class RmsNormBackwardTest : public ::testing::Test {};

TYPED_TEST_SUITE(RmsNormBackwardTest, Scalars);

// dx against the slope of Σ dy · y, taken from the formula.
TYPED_TEST(RmsNormBackwardTest, HasTheGradientOfItsFormula) {
  for_norm_sizes([](Index features, Index positions) {
    auto x = Grid<TypeParam>::random(features, positions, 1);
    auto dy = Grid<TypeParam>::random(features, positions, 2);
    Norm norm(x);
    Grid<TypeParam> dx(features, positions);
    rmsnorm_backward<TypeParam>(x, norm.kept(), dy, dx);
    EXPECT_TRUE(dx.surroundings_are_whole()) << features << " x " << positions;
    for (Index p = 0; p < positions; ++p) {
      auto x_p = exact_column(x, p);
      const auto dy_p = exact_column(dy, p);
      const auto loss = [&] {
        return std::inner_product(x_p.begin(), x_p.end(), dy_p.begin(), Exact{0}) *
               inverse_rms_of(x_p);
      };
      const Exact size = std::sqrt(static_cast<Exact>(features)) * inverse_rms_of(x_p);
      for (Index i = 0; i < features; ++i) {
        const Exact expected =
            slope(loss, x_p[static_cast<std::size_t>(i)], 1e-6L / inverse_rms_of(x_p));
        EXPECT_TRUE(near(dx(i, p), expected, (1e-10L + 20 * kEpsilon<TypeParam>)*size))
            << features << " x " << positions << " at " << i << ", " << p;
      }
    }
  });
}

TYPED_TEST(RmsNormBackwardTest, AddsToTheGradientThatFlowsPast) {
  for_norm_sizes([](Index features, Index positions) {
    auto x = columns_of_all_sizes<TypeParam>(features, positions);
    auto dy = Grid<TypeParam>::random(features, positions, 2);
    auto sum = Grid<TypeParam>::random(features, positions, 3);
    const Grid<TypeParam> past = Grid<TypeParam>::random(features, positions, 3);
    Norm norm(x);
    Grid<TypeParam> dx(features, positions);
    rmsnorm_backward<TypeParam>(x, norm.kept(), dy, dx);
    rmsnorm_backward_add<TypeParam>(x, norm.kept(), dy, sum);
    EXPECT_TRUE(sum.surroundings_are_whole()) << features << " x " << positions;
    for (Index i = 0; i < features; ++i) {
      for (Index p = 0; p < positions; ++p) {
        const Exact size =
            std::abs(past(i, p)) + 3 * std::abs(dx(i, p)) + std::abs(dy(i, p)) * norm.factor(p);
        EXPECT_TRUE(near(sum(i, p), Exact{past(i, p)} + dx(i, p), 4 * kEpsilon<TypeParam> * size))
            << features << " x " << positions << " at " << i << ", " << p;
      }
    }
  });
}

TYPED_TEST(RmsNormBackwardTest, WorksInPlace) {
  for_norm_sizes([](Index features, Index positions) {
    auto x = Grid<TypeParam>::random(features, positions, 1);
    auto dy = Grid<TypeParam>::random(features, positions, 2);
    Norm norm(x);
    Grid<TypeParam> dx(features, positions);
    rmsnorm_backward<TypeParam>(x, norm.kept(), dy, dx);
    rmsnorm_backward<TypeParam>(x, norm.kept(), dy, dy);
    EXPECT_TRUE(same_bits(dy.values(), dx.values())) << features << " x " << positions;
  });
}

TYPED_TEST(RmsNormBackwardTest, KeepsWhatIsNotANumberToItsColumn) {
  const Index positions = 19;
  for (Index at = 0; at < 33; ++at) {
    auto x = Grid<TypeParam>::random(33, positions, 1),
         dy = Grid<TypeParam>::random(33, positions, 2);
    auto sum = Grid<TypeParam>::random(33, positions, 3);
    Grid<TypeParam> dx(33, positions);
    Norm norm(x);
    const Index spoiled = at % positions;
    dy(at, spoiled) = std::numeric_limits<TypeParam>::quiet_NaN();
    rmsnorm_backward<TypeParam>(x, norm.kept(), dy, dx);
    rmsnorm_backward_add<TypeParam>(x, norm.kept(), dy, sum);
    for (Index p = 0; p < positions; ++p) {
      for (Index i = 0; i < 33; ++i) {
        EXPECT_EQ(std::isnan(dx(i, p)), p == spoiled) << at << ": " << i << ", " << p;
        EXPECT_EQ(std::isnan(sum(i, p)), p == spoiled) << at << ": " << i << ", " << p;
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
