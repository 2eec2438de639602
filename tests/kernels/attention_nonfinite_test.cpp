// What is not a number is never hidden from its own document.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class AttentionNonfiniteTest : public ::testing::Test {
 protected:
  static constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();

  // A document between two others, taken by distance, in a tile and in several.
  static constexpr Index kFirst = 5;
  static std::vector<AttentionCase> ways() {
    auto ways = both_ways({{kFirst, 26, 9}, 2, 4});
    ways.push_back({{kFirst, 70, 9}, 2, 4});
    return ways;
  }
};

TYPED_TEST_SUITE(AttentionNonfiniteTest, Scalars);

TYPED_TEST(AttentionNonfiniteTest, ShowsANanFromThereOn) {
  for (const AttentionCase& sizes : this->ways()) {
    const Index length = sizes.lengths[1];
    const Index width = sizes.width();
    for (Index at = 0; at < length; ++at) {
      for (const Index row :
           {Index{0}, width, 2 * width}) {  // a query, key, value of the first head
        AttentionRun<TypeParam> run(sizes);
        const Index spoiled = this->kFirst + at;
        run.qkv(row, spoiled) = this->kNan;
        run.forward();
        EXPECT_TRUE(std::isnan(run.out(0, spoiled))) << at << ", row " << row;
        for (Index t = spoiled + 1; t < this->kFirst + length; ++t) {
          EXPECT_EQ(std::isnan(run.out(0, t)), row > 0) << at << ", row " << row << ", at " << t;
        }
      }
    }
  }
}

// However far below other scores: a key that is not seen must not come in its place.
TYPED_TEST(AttentionNonfiniteTest, TakesTheOnlyKeyWhateverItsScore) {
  const std::vector<Index> lengths(37, 1);
  for (const TypeParam score :
       {TypeParam(-1e20), TypeParam(-1e36), -std::numeric_limits<TypeParam>::max(), TypeParam(1e36),
        std::numeric_limits<TypeParam>::max()}) {
    AttentionRun<TypeParam> run({lengths, 2, 1});
    for (Index t = 0; t < std::ssize(lengths); ++t) {
      run.qkv(0, t) = t % 3 == 0 ? score : TypeParam{1};
      run.qkv(2, t) = 1;
    }
    run.forward();
    for (Index t = 0; t < std::ssize(lengths); ++t) {
      EXPECT_EQ(run.out(0, t), run.qkv(4, t)) << "score " << run.qkv(0, t) << " at " << t;
    }
  }
}

TYPED_TEST(AttentionNonfiniteTest, ShowsAnInfiniteScore) {
  for (const AttentionCase& sizes : this->ways()) {
    const Index length = sizes.lengths[1];
    const TypeParam infinity = std::numeric_limits<TypeParam>::infinity();
    const Index width = sizes.width();
    for (const TypeParam value : {infinity, -infinity}) {
      for (Index at = 0; at < length; ++at) {
        AttentionRun<TypeParam> run(sizes);
        const Index spoiled = this->kFirst + at;
        for (Index t = 0; t < sizes.positions(); ++t) run.qkv(width, t) = 1;
        run.qkv(0, spoiled) = value;  // times keys of 1: all scores of this query are infinite
        run.forward();
        EXPECT_FALSE(std::isfinite(run.out(0, spoiled))) << value << " at " << at;
      }
    }
  }
}

// Whatever a query gives its keys and values is not a number, where its own gradient is not.
TYPED_TEST(AttentionNonfiniteTest, ShowsANanOfTheGradientInAllThatItReaches) {
  for (const AttentionCase& sizes : this->ways()) {
    const Index length = sizes.lengths[1];
    const Index width = sizes.width();
    for (Index at = 0; at < length; ++at) {
      AttentionRun<TypeParam> run(sizes);
      const Index spoiled = this->kFirst + at;
      run.d_out(0, spoiled) = this->kNan;
      run.forward();
      run.backward();
      EXPECT_TRUE(std::isnan(run.d_qkv(0, spoiled))) << at;
      for (Index s = this->kFirst; s <= spoiled; ++s) {
        EXPECT_TRUE(std::isnan(run.d_qkv(width, s))) << at << ", key " << s;
        EXPECT_TRUE(std::isnan(run.d_qkv(2 * width, s))) << at << ", value " << s;
      }
    }
  }
}

TYPED_TEST(AttentionNonfiniteTest, ShowsANanOfQueriesKeysAndValuesInTheGradient) {
  for (const AttentionCase& sizes : this->ways()) {
    const Index length = sizes.lengths[1];
    const Index width = sizes.width();
    for (Index at = 0; at < length; ++at) {
      for (const Index row : {Index{0}, width, 2 * width}) {
        AttentionRun<TypeParam> run(sizes);
        const Index spoiled = this->kFirst + at;
        run.qkv(row, spoiled) = this->kNan;
        run.forward();
        run.backward();
        EXPECT_TRUE(std::isnan(run.d_qkv(0, spoiled))) << at << ", row " << row;
        EXPECT_TRUE(std::isnan(run.d_qkv(width, spoiled))) << at << ", row " << row;
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
