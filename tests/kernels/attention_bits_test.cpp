// The bits of a position depend on the positions up to it alone: not on later ones, nor on the room
// that scratch has, nor on what an earlier piece left in it.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

constexpr Index kLength = 100, kHeads = 2, kHeadSize = 5;

template <class Scalar>
class AttentionBitsTest : public ::testing::Test {
 protected:
  AttentionBitsTest() {
    run_.forward();
    run_.backward();
  }

  AttentionRun<Scalar> run_{{kLength, kHeads, kHeadSize}};
};

TYPED_TEST_SUITE(AttentionBitsTest, Scalars);

TYPED_TEST(AttentionBitsTest, IgnoreLaterPositions) {
  for (Index t = 0; t < kLength; ++t) {
    AttentionRun<TypeParam> other({kLength, kHeads, kHeadSize});
    for (Index later = t + 1; later < kLength; ++later) {
      for (Index i = 0; i < other.qkv.rows(); ++i) other.qkv(i, later) += 3;
    }
    other.forward();
    for (Index earlier = 0; earlier <= t; ++earlier) {
      ASSERT_TRUE(same_bits(other.out.column(earlier), this->run_.out.column(earlier)))
          << "position " << earlier << ", changed behind " << t;
    }
  }
}

TYPED_TEST(AttentionBitsTest, IgnoreWhereTheDocumentEnds) {
  for (Index length = 1; length < kLength; ++length) {
    AttentionRun<TypeParam> shorter(AttentionCase{length, kHeads, kHeadSize}.in_room_for(kLength));
    shorter.take_positions(this->run_, 0, length);
    shorter.forward();
    for (Index t = 0; t < length; ++t) {
      ASSERT_TRUE(same_bits(shorter.out.column(t), this->run_.out.column(t)))
          << "position " << t << " of " << length;
    }
  }
}

// What scratch holds before is not a number, in all of it.
TYPED_TEST(AttentionBitsTest, IgnoreWhatScratchHolds) {
  for (const Index room : {100, 101, 300}) {
    AttentionScratch<TypeParam> scratch(room, padded<TypeParam>(room), kHeads);
    AttentionRun<TypeParam> spoiler({room, kHeads, kHeadSize});
    spoiler.qkv.fill(std::numeric_limits<TypeParam>::quiet_NaN());
    spoiler.forward(scratch);
    spoiler.backward(scratch);

    AttentionRun<TypeParam> again({kLength, kHeads, kHeadSize});
    again.forward(scratch);
    again.backward(scratch);
    EXPECT_TRUE(same_bits(again.out.values(), this->run_.out.values())) << room;
    EXPECT_TRUE(same_bits(again.d_qkv.values(), this->run_.d_qkv.values())) << room;
  }
}

// They depend on the way that the room of scratch says; the numbers hardly do.
TYPED_TEST(AttentionBitsTest, AreNearlyTheSameByDistanceAndInTiles) {
  const AttentionCase sizes{std::vector<Index>{7, 1, 16, 3, 32, 16, 9}, kHeads, kHeadSize};
  const Index columns = padded<TypeParam>(sizes.positions());
  AttentionScratch<TypeParam> short_ones(32, columns, kHeads), long_ones(33, columns, kHeads);
  ASSERT_TRUE(short_ones.by_distance());
  ASSERT_FALSE(long_ones.by_distance());
  AttentionRun<TypeParam> by_distance(sizes), in_tiles(sizes);
  by_distance.forward(short_ones);
  by_distance.backward(short_ones);
  in_tiles.forward(long_ones);
  in_tiles.backward(long_ones);
  for (Index t = 0; t < sizes.positions(); ++t) {
    for (Index i = 0; i < sizes.width(); ++i) {
      EXPECT_TRUE(near(by_distance.out(i, t), in_tiles.out(i, t), 64 * kEpsilon<TypeParam>));
    }
    for (Index i = 0; i < 3 * sizes.width(); ++i) {
      EXPECT_TRUE(near(by_distance.d_qkv(i, t), in_tiles.d_qkv(i, t), 100 * kEpsilon<TypeParam>));
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
