// The two sums over gradients: of one gradient and another, and of its squares.
#include "kernels/gradient_sums.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class GradientSumsTest : public ::testing::Test {};

TYPED_TEST_SUITE(GradientSumsTest, Scalars);

TYPED_TEST(GradientSumsTest, AddElementByElement) {
  for (Index count = 0; count <= 70; ++count) {
    const auto a = Grid<TypeParam>::random(1, count, 1).values();
    const auto b = Grid<TypeParam>::random(1, count, 2).values();
    std::vector<TypeParam> sum(a.size());
    add(a.data(), b.data(), a.size(), sum.data());
    auto in_place = a;
    add(in_place.data(), b.data(), a.size(), in_place.data());
    for (std::size_t i = 0; i < sum.size(); ++i) EXPECT_EQ(sum[i], a[i] + b[i]) << count;
    EXPECT_EQ(in_place, sum);
  }
}

TYPED_TEST(GradientSumsTest, SquareInDouble) {
  std::vector<Index> counts{1000, 2048, 4064};
  for (Index count = 0; count <= 200; ++count) counts.push_back(count);
  for (const Index count : counts) {
    const auto values = Grid<TypeParam>::random(1, count, 1).values();
    Exact expected = 0;
    for (const TypeParam value : values) expected += Exact{value} * value;
    EXPECT_TRUE(near(sum_of_squares<TypeParam>(values), expected, 1e-14L * expected)) << count;
  }
}

// Also where they begin within a vector.
TYPED_TEST(GradientSumsTest, SquareToTheSameBitsWhereverTheValuesLie) {
  for (const Index count : {1, 64, 100, 333}) {
    auto row = Grid<TypeParam>::random(1, count, 1);
    const auto size = static_cast<std::size_t>(count);
    const double expected = sum_of_squares<TypeParam>(std::span<const TypeParam>(row.row(0), size));
    for (Index offset = 1; offset < 20; ++offset) {
      Grid<TypeParam> elsewhere(1, count + offset);
      std::copy_n(row.row(0), count, elsewhere.row(0) + offset);
      const std::span<const TypeParam> values(elsewhere.row(0) + offset, size);
      EXPECT_EQ(sum_of_squares<TypeParam>(values), expected) << count << " from " << offset;
    }
  }
}

TYPED_TEST(GradientSumsTest, DoNotOverflowWhereAFloatWould) {
  const std::vector<TypeParam> values(100, TypeParam(1e30));
  EXPECT_TRUE(near(sum_of_squares<TypeParam>(values), 1e62L, 1e56L));
}

TYPED_TEST(GradientSumsTest, ShowWhatIsNotFiniteAnywhere) {
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam value :
       {Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
    for (const Index count : {1, 7, 16, 33, 63, 64, 65, 130}) {
      for (Index at = 0; at < count; ++at) {
        auto row = Grid<TypeParam>::random(1, count, 1);
        row(0, at) = value;
        EXPECT_FALSE(std::isfinite(sum_of_squares<TypeParam>(row.values())))
            << value << " at " << at << " of " << count;
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
