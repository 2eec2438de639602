// The gradient of attention, held against slopes of its definition, for documents of all lengths.
#include <gtest/gtest.h>

#include <numeric>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class AttentionBackwardTest : public ::testing::Test {
 protected:
  // d_qkv against the slope of Σ d_out · out, taken from the formula, at every `stride`-th element.
  static void expect_gradient(const AttentionCase& sizes, std::size_t stride) {
    for (const AttentionCase& way : both_ways(sizes)) expect_gradient_of(way, stride);
  }

 private:
  static void expect_gradient_of(const AttentionCase& sizes, std::size_t stride) {
    AttentionRun<Scalar> run(sizes);
    // All is replaced, not added to, and what lies behind the last position is a number, too.
    run.out.fill(std::numeric_limits<Scalar>::quiet_NaN());
    run.d_qkv.fill(std::numeric_limits<Scalar>::quiet_NaN());
    run.forward();
    run.backward();
    run.out.for_each([](Scalar element) { EXPECT_TRUE(std::isfinite(element)); });
    run.d_qkv.for_each([](Scalar element) { EXPECT_TRUE(std::isfinite(element)); });
    EXPECT_TRUE(run.d_qkv.edges_are_whole()) << sizes;

    ExactMatrix qkv(run.qkv, sizes.positions());
    const ExactMatrix d_out(run.d_out, sizes.positions());
    const auto loss = [&] {
      const auto out = exact_attention(sizes, qkv).out.values;
      return std::inner_product(out.begin(), out.end(), d_out.values.begin(), Exact{0});
    };
    const ExactMatrix d_qkv(run.d_qkv, sizes.positions());
    for (std::size_t i = 0; i < d_qkv.values.size(); i += stride) {
      EXPECT_TRUE(near(d_qkv.values[i], slope(loss, qkv.values[i]), 1e-9L + 100 * kEpsilon<Scalar>))
          << sizes << ", element " << i;
    }
  }
};

TYPED_TEST_SUITE(AttentionBackwardTest, Scalars);

TYPED_TEST(AttentionBackwardTest, IsTheGradientOfShortDocuments) {
  for (const Index length : {1, 2, 7}) {
    for (const Index n_head : {1, 2, 4}) {
      for (const Index head_size : {1, 4, 5, 16}) {
        this->expect_gradient({length, n_head, head_size}, 1);
      }
    }
  }
}

TYPED_TEST(AttentionBackwardTest, IsTheGradientAcrossVectorsOfQueries) {
  this->expect_gradient({32, 1, 4}, 1);
  this->expect_gradient({33, 2, 4}, 1);
  this->expect_gradient({64, 1, 4}, 7);
  this->expect_gradient({33, 1, 5}, 1);
  this->expect_gradient({100, 2, 3}, 29);
  this->expect_gradient({100, 1, 16}, 97);
}

TYPED_TEST(AttentionBackwardTest, IsTheGradientForAnyLengthAndHeadSize) {
  for (Index length = 3; length <= 36; ++length) this->expect_gradient({length, 1, 3}, 7);
  for (Index head_size = 1; head_size <= 20; ++head_size) {
    this->expect_gradient({11, 2, head_size}, 13);
  }
}

TYPED_TEST(AttentionBackwardTest, IsTheGradientOfPackedDocuments) {
  this->expect_gradient({{3, 5, 8, 1, 17}, 2, 3}, 1);
  this->expect_gradient({{1, 1, 1, 1, 1, 1, 1}, 1, 4}, 1);
}

// Probabilities sum to one: what is added to all keys of a head alike changes nothing, so the
// gradients of the keys sum to zero.
TYPED_TEST(AttentionBackwardTest, GivesKeysAGradientThatSumsToZero) {
  const AttentionCase sizes{70, 4, 4};
  AttentionRun<TypeParam> run(sizes);
  run.forward();
  run.backward();
  for (Index i = sizes.width(); i < 2 * sizes.width(); ++i) {
    Exact sum = 0;
    for (Index t = 0; t < sizes.positions(); ++t) sum += run.d_qkv(i, t);
    EXPECT_TRUE(near(sum, 0, 200 * kEpsilon<TypeParam>)) << i;
  }
}

}  // namespace
}  // namespace microgpt::kernels
