// Documents that are packed end to end do not see each other.
#include <gtest/gtest.h>

#include "attention_support.hpp"

namespace microgpt::kernels {
namespace {

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
  static constexpr Index kHeads = 2, kHeadSize = 3, kWidth = kHeads * kHeadSize;

  // Calls body(first row, length, the same document alone) for each document of a pack.
  template <class Body>
  static void for_documents(const std::vector<Index>& lengths, AttentionRun<Scalar>& packed,
                            Body&& body) {
    Index first = 0;
    for (const Index length : lengths) {
      AttentionRun<Scalar> alone({length, kHeads, kHeadSize});
      for (Index t = 0; t < length; ++t) {
        std::copy_n(packed.qkv.row(first + t), 3 * kWidth, alone.qkv.row(t));
        std::copy_n(packed.d_out.row(first + t), kWidth, alone.d_out.row(t));
      }
      alone.forward();
      alone.backward();
      body(first, length, alone);
      first += length;
    }
  }

  static AttentionRun<Scalar> pack(const std::vector<Index>& lengths) {
    std::vector<Index> document_start;
    for (const Index length : lengths) {
      document_start.insert(document_start.end(), static_cast<std::size_t>(length),
                            std::ssize(document_start));
    }
    const AttentionCase sizes{std::ssize(document_start), kHeads, kHeadSize};
    AttentionRun<Scalar> packed(sizes, std::move(document_start));
    packed.forward();
    packed.backward();
    return packed;
  }
};

TYPED_TEST_SUITE(AttentionPackingTest, Scalars);

TYPED_TEST(AttentionPackingTest, GivesEachDocumentTheBitsThatItHasAlone) {
  for (const auto& lengths : kPacks) {
    auto packed = this->pack(lengths);
    EXPECT_TRUE(packed.out.edges_are_whole());
    this->for_documents(lengths, packed, [&](Index first, Index length, auto& alone) {
      for (Index t = 0; t < length; ++t) {
        EXPECT_TRUE(same_bits(packed.out.row(first + t), alone.out.row(t), this->kWidth))
            << "position " << t << " of " << length << ", packed from row " << first;
      }
    });
  }
}

TYPED_TEST(AttentionPackingTest, GivesEachDocumentTheGradientThatItHasAlone) {
  for (const auto& lengths : kPacks) {
    auto packed = this->pack(lengths);
    EXPECT_TRUE(packed.d_qkv.edges_are_whole());
    this->for_documents(lengths, packed, [&](Index first, Index length, auto& alone) {
      for (Index t = 0; t < length; ++t) {
        for (Index i = 0; i < 3 * this->kWidth; ++i) {
          EXPECT_TRUE(near(packed.d_qkv(first + t, i), alone.d_qkv(t, i), 64 * kEpsilon<TypeParam>))
              << t << " of " << length << " at " << i << ", packed from row " << first;
        }
      }
    });
  }
}

}  // namespace
}  // namespace microgpt::kernels
