#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

// Documents of one query, of less than a vector of them, of whole vectors, and of one more.
std::vector<AttentionCase> cases() {
  std::vector<AttentionCase> all{{8, 2, 3}, {16, 4, 4}, {17, 4, 4}, {64, 4, 4}, {65, 3, 2}};
  for (const Index length : {1, 7, 33, 100}) {
    for (const Index n_head : {1, 2, 4}) {
      for (const Index head_size : {1, 4, 5, 16}) all.push_back({length, n_head, head_size});
    }
  }
  return all;
}

template <class Scalar>
class AttentionTest : public ::testing::Test {};

TYPED_TEST_SUITE(AttentionTest, Scalars);

TYPED_TEST(AttentionTest, IsTheWeightedSumOfTheValuesUpToThere) {
  for (const AttentionCase& sizes : cases()) {
    AttentionRun<TypeParam> run(sizes);
    run.forward();
    EXPECT_TRUE(run.out.edges_are_whole()) << sizes;
    EXPECT_TRUE(run.log_sum_exp.edges_are_whole()) << sizes;
    const auto expected = exact_attention(sizes, ExactMatrix(run.qkv));
    for (Index t = 0; t < sizes.length; ++t) {
      for (Index i = 0; i < sizes.width(); ++i) {
        EXPECT_TRUE(near(run.out(t, i), expected.out(t, i), 64 * kEpsilon<TypeParam>))
            << sizes << " at " << t << ", " << i;
      }
      for (Index h = 0; h < sizes.n_head; ++h) {
        EXPECT_TRUE(
            near(run.log_sum_exp(h, t), expected.log_sum_exp(t, h), 64 * kEpsilon<TypeParam>))
            << sizes << " at " << t << ", head " << h;
      }
    }
  }
}

TYPED_TEST(AttentionTest, OfOnePositionIsItsValue) {
  const AttentionCase sizes{1, 4, 5};
  AttentionRun<TypeParam> run(sizes);
  run.forward();
  for (Index i = 0; i < sizes.width(); ++i) {
    EXPECT_EQ(run.out(0, i), run.qkv(0, 2 * sizes.width() + i));
  }
}

// Equal keys share: each position sees the mean of the values so far.
TYPED_TEST(AttentionTest, OfEqualKeysIsTheMean) {
  const AttentionCase sizes{100, 2, 4};
  AttentionRun<TypeParam> run(sizes);
  for (Index t = 0; t < sizes.length; ++t) {
    for (Index i = 0; i < sizes.width(); ++i) {
      run.qkv(t, sizes.width() + i) = 1;
      run.qkv(t, 2 * sizes.width() + i) = static_cast<TypeParam>(t);
    }
  }
  run.forward();
  for (Index t = 0; t < sizes.length; ++t) {
    EXPECT_TRUE(near(run.out(t, 0), static_cast<Exact>(t) / 2, 1000 * kEpsilon<TypeParam>)) << t;
  }
}

// Scores of some thousands: the largest takes all.
TYPED_TEST(AttentionTest, StaysFiniteForLargeScores) {
  const AttentionCase sizes{40, 2, 4};
  AttentionRun<TypeParam> run(sizes);
  run.qkv.for_each([](TypeParam& element) { element *= 100; });
  run.forward();
  run.backward();
  for (const TypeParam element : run.out.values()) EXPECT_TRUE(std::isfinite(element));
  for (const TypeParam element : run.d_qkv.values()) EXPECT_TRUE(std::isfinite(element));
}

TYPED_TEST(AttentionTest, ShowsWhatIsNotANumberFromThereOn) {
  const AttentionCase sizes{70, 2, 4};
  for (const Index at : {0, 5, 31, 32, 40, 69}) {
    for (const Index column : {0, 8, 16}) {  // a query, a key, a value of the first head
      AttentionRun<TypeParam> run(sizes);
      run.qkv(at, column) = std::numeric_limits<TypeParam>::quiet_NaN();
      run.forward();
      EXPECT_TRUE(std::isnan(run.out(at, 0))) << at << ", " << column;
      const bool seen_later = column > 0 || at == 69;
      EXPECT_EQ(std::isnan(run.out(69, 0)), seen_later) << at << ", " << column;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
