// Documents that are packed end to end do not see each other, as long as they are finite: they have
// the bits that they have alone, forward and backward, wherever they lie.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

constexpr Index kHeads = 2, kHeadSize = 3;

// Many of one position, some that end with a vector of queries and some that lie across several.
const std::vector<std::vector<Index>> kPacks{
    {1},
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {3, 5, 8, 16, 1, 7, 16, 16},
    {40, 1, 33, 2, 2, 7, 70, 9},
    {5, 70},
    {70, 5},
};

template <class Scalar>
class AttentionPackingTest : public ::testing::Test {
 protected:
  // Holds each document of a pack that has run against itself alone.
  static void expect_bits_of_each_alone(const AttentionCase& sizes,
                                        const AttentionRun<Scalar>& packed) {
    Index first = 0;
    for (const Index length : sizes.lengths) {
      AttentionRun<Scalar> alone(
          AttentionCase{length, kHeads, kHeadSize}.in_room_for(sizes.max_length));
      alone.take_positions(packed, first, length);
      alone.forward();
      alone.backward();
      for (Index t = 0; t < length; ++t) {
        const auto expect_bits = [&](const Grid<Scalar>& of_pack, const Grid<Scalar>& of_one,
                                     const char* what) {
          EXPECT_TRUE(same_bits(of_pack.column(first + t), of_one.column(t)))
              << what << " of position " << t << " of " << length << ", packed from " << first
              << ", room for " << sizes.max_length;
        };
        expect_bits(packed.out, alone.out, "output");
        expect_bits(packed.softmax_terms, alone.softmax_terms, "terms of the softmax");
        expect_bits(packed.d_qkv, alone.d_qkv, "gradient");
      }
      first += length;
    }
  }

  static void expect_bits_of_each_alone(const AttentionCase& sizes) {
    AttentionRun<Scalar> packed(sizes);
    packed.forward();
    packed.backward();
    EXPECT_TRUE(packed.out.edges_are_whole());
    EXPECT_TRUE(packed.d_qkv.edges_are_whole());
    expect_bits_of_each_alone(sizes, packed);
  }
};

TYPED_TEST_SUITE(AttentionPackingTest, Scalars);

TYPED_TEST(AttentionPackingTest, GivesEachDocumentTheBitsThatItHasAlone) {
  for (const auto& lengths : kPacks) {
    for (const auto& sizes : both_ways({lengths, kHeads, kHeadSize}))
      this->expect_bits_of_each_alone(sizes);
  }
}

// Behind a longer, a shorter or no other document, in front of one.
TYPED_TEST(AttentionPackingTest, GivesADocumentTheSameBitsAtAnyOffset) {
  for (const Index length : {1, 2, 5, 17, 33}) {
    for (Index offset = 1; offset <= 34; ++offset) {
      for (const auto& sizes : both_ways({{offset, length, 3}, kHeads, kHeadSize})) {
        this->expect_bits_of_each_alone(sizes);
      }
    }
  }
}

// What one position makes of another document's is large, too, but counts nothing.
TYPED_TEST(AttentionPackingTest, HidesNeighboursOfAnySize) {
  const std::vector<Index> lengths{1, 20, 7, 31, 2};
  for (const TypeParam size : {TypeParam(1e-12), TypeParam(1e12)}) {
    for (const TypeParam score_size : {TypeParam(1e-6), TypeParam(1), TypeParam(50)}) {
      for (const AttentionCase& sizes : both_ways({lengths, kHeads, kHeadSize})) {
        AttentionRun<TypeParam> packed(sizes);
        const Index values = 2 * kHeads * kHeadSize;  // queries and keys lie above them
        Index position = 0;
        for (std::size_t d = 0; d < lengths.size(); ++d) {
          for (Index t = 0; t < lengths[d]; ++t, ++position) {
            if (d % 2 == 0) continue;
            for (Index i = 0; i < packed.qkv.rows(); ++i) {
              packed.qkv(i, position) *= i < values ? score_size : size;
            }
            for (Index i = 0; i < packed.d_out.rows(); ++i) packed.d_out(i, position) *= size;
          }
        }
        packed.forward();
        packed.backward();
        for (const TypeParam element : packed.d_qkv.values()) EXPECT_TRUE(std::isfinite(element));
        this->expect_bits_of_each_alone(sizes, packed);
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
