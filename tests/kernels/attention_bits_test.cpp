// The bits of a position depend on the positions up to it alone: not on later ones, nor on the room
// that scratch has, nor on what an earlier document left in it.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

constexpr AttentionCase kSizes{100, 2, 5};

template <class Scalar>
class AttentionBitsTest : public ::testing::Test {
 protected:
  AttentionBitsTest() : run_(kSizes) {
    run_.forward();
    run_.backward();
  }

  AttentionRun<Scalar> run_;
};

TYPED_TEST_SUITE(AttentionBitsTest, Scalars);

TYPED_TEST(AttentionBitsTest, IgnoreLaterPositions) {
  for (Index t = 0; t < kSizes.length; ++t) {
    AttentionRun<TypeParam> other(kSizes);
    for (Index later = t + 1; later < kSizes.length; ++later) {
      for (Index i = 0; i < other.qkv.cols(); ++i) other.qkv(later, i) += 3;
    }
    other.forward();
    for (Index earlier = 0; earlier <= t; ++earlier) {
      ASSERT_TRUE(same_bits(other.out.row(earlier), this->run_.out.row(earlier), kSizes.width()))
          << "position " << earlier << ", changed behind " << t;
    }
  }
}

TYPED_TEST(AttentionBitsTest, IgnoreWhereTheDocumentEnds) {
  for (Index length = 1; length < kSizes.length; ++length) {
    AttentionRun<TypeParam> shorter({length, kSizes.n_head, kSizes.head_size});
    for (Index t = 0; t < length; ++t) {
      std::copy_n(this->run_.qkv.row(t), shorter.qkv.cols(), shorter.qkv.row(t));
    }
    shorter.forward();
    for (Index t = 0; t < length; ++t) {
      ASSERT_TRUE(same_bits(shorter.out.row(t), this->run_.out.row(t), kSizes.width()))
          << "position " << t << " of " << length;
    }
  }
}

// What scratch holds before is not a number, in all of it.
TYPED_TEST(AttentionBitsTest, IgnoreWhatScratchHolds) {
  for (const Index room : {100, 101, 300}) {
    AttentionScratch<TypeParam> scratch(room, kSizes.width());
    AttentionRun<TypeParam> spoiler({room, kSizes.n_head, kSizes.head_size});
    spoiler.qkv.fill(std::numeric_limits<TypeParam>::quiet_NaN());
    spoiler.forward(scratch);
    spoiler.backward(scratch);

    AttentionRun<TypeParam> again(kSizes);
    again.forward(scratch);
    again.backward(scratch);
    EXPECT_TRUE(same_bits(again.out.values(), this->run_.out.values())) << room;
    EXPECT_TRUE(same_bits(again.d_qkv.values(), this->run_.d_qkv.values())) << room;
  }
}

}  // namespace
}  // namespace microgpt::kernels
