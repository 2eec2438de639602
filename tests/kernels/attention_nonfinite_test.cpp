// What is not a number is never hidden from its own document.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class AttentionNonfiniteTest : public ::testing::Test {
 protected:
  static constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();

  // A document of 70 positions between two others.
  static constexpr Index kFirst = 5, kLength = 70, kHeadSize = 4;
  const AttentionCase sizes_{{kFirst, kLength, 9}, 2, kHeadSize};
};

TYPED_TEST_SUITE(AttentionNonfiniteTest, Scalars);

TYPED_TEST(AttentionNonfiniteTest, ShowsANanFromThereOn) {
  const Index width = this->sizes_.width();
  for (Index at = 0; at < this->kLength; ++at) {
    for (const Index row : {Index{0}, width, 2 * width}) {  // a query, key, value of the first head
      AttentionRun<TypeParam> run(this->sizes_);
      const Index spoiled = this->kFirst + at;
      run.qkv(row, spoiled) = this->kNan;
      run.forward();
      EXPECT_TRUE(std::isnan(run.out(0, spoiled))) << at << ", row " << row;
      for (Index t = spoiled + 1; t < this->kFirst + this->kLength; ++t) {
        EXPECT_EQ(std::isnan(run.out(0, t)), row > 0) << at << ", row " << row << ", at " << t;
      }
    }
  }
}

// Whatever a query gives its keys and values is not a number, where its own gradient is not.
TYPED_TEST(AttentionNonfiniteTest, ShowsANanOfTheGradientInAllThatItReaches) {
  const Index width = this->sizes_.width();
  for (Index at = 0; at < this->kLength; ++at) {
    AttentionRun<TypeParam> run(this->sizes_);
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

TYPED_TEST(AttentionNonfiniteTest, ShowsANanOfQueriesKeysAndValuesInTheGradient) {
  const Index width = this->sizes_.width();
  for (Index at = 0; at < this->kLength; ++at) {
    for (const Index row : {Index{0}, width, 2 * width}) {
      AttentionRun<TypeParam> run(this->sizes_);
      const Index spoiled = this->kFirst + at;
      run.qkv(row, spoiled) = this->kNan;
      run.forward();
      run.backward();
      EXPECT_TRUE(std::isnan(run.d_qkv(0, spoiled))) << at << ", row " << row;
      EXPECT_TRUE(std::isnan(run.d_qkv(width, spoiled))) << at << ", row " << row;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
