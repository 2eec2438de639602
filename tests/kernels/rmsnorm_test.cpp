// RMSNorm, held against its formula, and what it makes of numbers that are none.
#include <gtest/gtest.h>

#include "kernels/transpose.hpp"
#include "rmsnorm_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class RmsNormTest : public ::testing::Test {};

TYPED_TEST_SUITE(RmsNormTest, Scalars);

TYPED_TEST(RmsNormTest, DividesByTheRootOfTheMeanSquare) {
  for_norm_sizes([](Index features, Index positions) {
    // A sum of as many squares, in four parts, of which the root halves the error.
    const Exact tolerance = (3 + static_cast<Exact>(features) / 16) * kEpsilon<TypeParam>;
    auto x = columns_of_all_sizes<TypeParam>(features, positions);
    const Norm norm(x);
    EXPECT_TRUE(norm.y.surroundings_are_whole()) << features << " x " << positions;
    EXPECT_TRUE(norm.inverse_rms.surroundings_are_whole()) << features << " x " << positions;
    for (Index p = 0; p < positions; ++p) {
      const Exact expected = inverse_rms_of(exact_column(x, p));
      EXPECT_TRUE(near(norm.factor(p), expected, tolerance * expected))
          << features << " x " << positions << ", position " << p;
      for (Index i = 0; i < features; ++i) {
        const Exact y = x(i, p) * expected;
        EXPECT_TRUE(near(norm.y(i, p), y, tolerance * std::abs(y)))
            << features << " x " << positions << " at " << i << ", " << p;
      }
    }
  });
}

// By position, bit for bit.
TYPED_TEST(RmsNormTest, IsMadeAgainFromWhatWasKept) {
  for_norm_sizes([](Index features, Index positions) {
    auto x = columns_of_all_sizes<TypeParam>(features, positions);
    Norm norm(x);
    Grid<TypeParam> again(positions, features);
    transpose_scaled<TypeParam>(x, norm.kept(), again);
    for (Index p = 0; p < positions; ++p) {
      EXPECT_TRUE(same_bits(again.row(p), norm.y.column(p).data(), features))
          << features << " x " << positions << ", position " << p;
    }
  });
}

TYPED_TEST(RmsNormTest, WorksInPlace) {
  for_norm_sizes([](Index features, Index positions) {
    auto x = Grid<TypeParam>::random(features, positions, 1);
    const Norm norm(x);
    Grid<TypeParam> inverse_rms(1, positions);
    rmsnorm<TypeParam>(x, inverse_rms.row(0), x);
    EXPECT_TRUE(same_bits(x.values(), norm.y.values())) << features << " x " << positions;
  });
}

// Whichever lane they are: what lets documents be packed together without a trace.
TYPED_TEST(RmsNormTest, GivesEqualColumnsEqualBits) {
  const Index positions = 3 * kLanes<TypeParam> + 1;
  for (const Index features : {1, 3, 4, 5, 16, 33, 64}) {
    const auto one = Grid<TypeParam>::random(features, 1, 1);
    const auto slope = Grid<TypeParam>::random(features, 1, 2);
    Grid<TypeParam> x(features, positions), dx(features, positions);
    for (Index i = 0; i < features; ++i) {
      std::fill_n(x.row(i), positions, one(i, 0));
      std::fill_n(dx.row(i), positions, slope(i, 0));
    }
    Norm norm(x);
    rmsnorm_backward<TypeParam>(x, norm.kept(), dx, dx);
    for (Index p = 1; p < positions; ++p) {
      EXPECT_TRUE(same_bits(norm.y.column(p), norm.y.column(0))) << features << ", position " << p;
      EXPECT_TRUE(same_bits(dx.column(p), dx.column(0))) << features << ", position " << p;
    }
  }
}

TYPED_TEST(RmsNormTest, KeepsWhatIsNotANumberToItsColumn) {
  const Index positions = 19;
  for (Index at = 0; at < 33; ++at) {
    auto x = Grid<TypeParam>::random(33, positions, 1);
    const Index spoiled = at % positions;
    x(at, spoiled) = std::numeric_limits<TypeParam>::quiet_NaN();
    const Norm norm(x);
    for (Index p = 0; p < positions; ++p) {
      for (Index i = 0; i < 33; ++i) {
        EXPECT_EQ(std::isnan(norm.y(i, p)), p == spoiled) << at << ": " << i << ", " << p;
      }
    }
  }
}

// Not zeros, which nobody would notice.
TYPED_TEST(RmsNormTest, MakesAnOverflowVisible) {
  const Index features = 5;
  const Index positions = 19;
  auto x = Grid<TypeParam>::random(features, positions, 1);
  x(2, 7) = 2 * std::sqrt(std::numeric_limits<TypeParam>::max());
  const Norm norm(x);
  for (Index p = 0; p < positions; ++p) {
    for (Index i = 0; i < features; ++i) {
      EXPECT_EQ(std::isnan(norm.y(i, p)), p == 7) << i << ", " << p;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
