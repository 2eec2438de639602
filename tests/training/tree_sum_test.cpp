// However the lanes lie in finished subtrees, of one process or of several: the sum has the bits of
// the tree over the lanes, slice by slice, and lies where it says.
#include "training/tree_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>

#include "training/lane_tree.hpp"
#include "training/slices.hpp"
#include "training/worker_pool.hpp"

namespace microgpt {
namespace {

// How a subtree that is more than one lane comes to be there in finished parts.
using Whole = bool (*)(LaneRange);
bool never(LaneRange /*subtree*/) { return false; }
bool pairs(LaneRange subtree) { return subtree.size() == 2; }
bool some(LaneRange subtree) { return (subtree.first * 7 + subtree.end * 13) % 5 < 2; }

template <class Scalar>
class TreeSumTest : public testing::Test {
 protected:
  using Subtrees = std::vector<SubtreeSum<Scalar>>;

  // Cuts `subtree` into parts that are finished, each in a buffer of its own.
  void cut(const test::Gradients<Scalar>& gradients, LaneRange subtree, Whole whole) {
    if (subtree.size() == 1 || whole(subtree)) {
      ranges_.push_back(subtree);
      buffers_.push_back(test::tree_sum(gradients, subtree));
      return;
    }
    const auto left = static_cast<int>(std::bit_ceil(static_cast<unsigned>(subtree.size()))) / 2;
    cut(gradients, {subtree.first, subtree.first + left}, whole);
    cut(gradients, {subtree.first + left, subtree.end}, whole);
  }

  Subtrees subtrees(const test::Gradients<Scalar>& gradients, LaneRange subtree, Whole whole) {
    ranges_.clear();
    buffers_.clear();
    cut(gradients, subtree, whole);
    Subtrees subtrees;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      subtrees.push_back({.lanes = ranges_[i], .values = buffers_[i]});
    }
    return subtrees;
  }

  // Adds all slices, elsewhere and in their places, and looks at each; what else the buffers held
  // is to be there still.
  void expect_sum(const std::vector<Scalar>& expected, const Subtrees& subtrees, int lanes,
                  int places) {
    test::Gradients<Scalar> before = buffers_;
    TreeSum<Scalar> sum(static_cast<int>(subtrees.size()));
    sum.plan(subtrees, lanes, places);
    const std::size_t used = std::min(subtrees.size(), static_cast<std::size_t>(places));
    for (std::size_t slice = 0; slice < count_slices(expected.size()); ++slice) {
      const std::span<const Scalar> elsewhere = sum.add_slice(slice, room_);
      ASSERT_TRUE(std::ranges::equal(elsewhere, slice_of(std::span(expected), slice)));
      ASSERT_EQ(buffers_, before);
      sum.add_slice(slice);
      const std::span<Scalar> values = sum.slice(slice);
      EXPECT_EQ(values.data(), buffers_[slice % used].data() + slice * kSlice);
      ASSERT_TRUE(std::ranges::equal(values, slice_of(std::span(expected), slice)))
          << "slice " << slice << ", " << lanes << " lanes, " << subtrees.size() << " subtrees";
      for (std::size_t i = 0; i < buffers_.size(); ++i) {
        if (i == slice % used) continue;
        ASSERT_TRUE(std::ranges::equal(slice_of(std::span(buffers_[i]), slice),
                                       slice_of(std::span(before[i]), slice)));
      }
      before = buffers_;
    }
  }

  std::vector<LaneRange> ranges_;
  test::Gradients<Scalar> buffers_;
  std::vector<Scalar> room_ = std::vector<Scalar>(kSlice);
};

using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(TreeSumTest, Scalars);

// Sizes around stretches and slices, in turn.
std::size_t size_for(int lanes) {
  constexpr std::array<std::size_t, 8> kSizes{2049, 1, 511, 4096, 513, 2047, 5000, 1024};
  return kSizes[static_cast<std::size_t>(lanes) % kSizes.size()];
}

TYPED_TEST(TreeSumTest, HasTheBitsOfTheTreeHoweverManyLanes) {
  for (int lanes = 1; lanes <= 70; ++lanes) {
    const auto gradients = test::rough_gradients<TypeParam>(lanes, size_for(lanes));
    const auto expected = test::tree_sum(gradients, {0, lanes});
    for (const int places : {1, 2, 3, 100}) {
      this->expect_sum(expected, this->subtrees(gradients, {0, lanes}, never), lanes, places);
    }
  }
}

TYPED_TEST(TreeSumTest, HasTheSameBitsWhereSubtreesAreFinished) {
  for (int lanes = 1; lanes <= 70; ++lanes) {
    const auto gradients = test::rough_gradients<TypeParam>(lanes, size_for(lanes + 3));
    const auto expected = test::tree_sum(gradients, {0, lanes});
    for (const Whole whole : {pairs, some}) {
      this->expect_sum(expected, this->subtrees(gradients, {0, lanes}, whole), lanes, 2);
    }
  }
}

TYPED_TEST(TreeSumTest, HasTheBitsOfTheNodesOfSeveralProcesses) {
  for (const int ranks : {2, 3, 5, 7}) {
    ReductionPlan plan(70, ranks);
    for (int lanes = 1; lanes <= 70; lanes += 1 + lanes / 9) {
      plan.set_lanes(lanes);
      const auto gradients = test::rough_gradients<TypeParam>(lanes, size_for(lanes + ranks));
      for (const ReductionNode& node : plan.nodes()) {
        const auto expected = test::tree_sum(gradients, node.lanes);
        for (const Whole whole : {never, pairs, some}) {
          this->expect_sum(expected, this->subtrees(gradients, node.lanes, whole), lanes, 1);
        }
      }
    }
  }
}

TYPED_TEST(TreeSumTest, HasTheBitsOfTheTreeUpToTheMostLanes) {
  for (const int lanes : {127, 128, 129, 513, 1000, 1023, 1024}) {
    const auto gradients = test::rough_gradients<TypeParam>(lanes, 517);
    const auto expected = test::tree_sum(gradients, {0, lanes});
    for (const Whole whole : {never, some}) {
      this->expect_sum(expected, this->subtrees(gradients, {0, lanes}, whole), lanes, 4);
    }
  }
}

TYPED_TEST(TreeSumTest, ChangesNothingWhereOneSubtreeIsAll) {
  const auto gradients = test::rough_gradients<TypeParam>(1, 5000);
  const auto subtrees = this->subtrees(gradients, {0, 1}, never);
  this->expect_sum(gradients[0], subtrees, 1, 8);
  EXPECT_EQ(this->buffers_[0], gradients[0]);
}

TYPED_TEST(TreeSumTest, IsPlannedAnewForEveryStep) {
  const auto gradients = test::rough_gradients<TypeParam>(40, 600);
  TreeSum<TypeParam> sum(40);
  for (const int lanes : {40, 3, 1, 17, 40}) {
    const auto subtrees = this->subtrees(gradients, {0, lanes}, some);
    sum.plan(subtrees, lanes, 3);
    sum.add_slice(0);
    EXPECT_TRUE(std::ranges::equal(sum.slice(0), test::tree_sum(gradients, {0, lanes})));
  }
}

TYPED_TEST(TreeSumTest, LetsWorkersAddDifferentSlicesAtTheSameTime) {
  constexpr std::size_t kSize = 20 * kSlice + 77;
  const auto gradients = test::rough_gradients<TypeParam>(13, kSize);
  const auto expected = test::tree_sum(gradients, {0, 13});
  const auto subtrees = this->subtrees(gradients, {0, 13}, never);
  TreeSum<TypeParam> sum(13);
  sum.plan(subtrees, 13, 4);
  WorkerPool pool(4);
  pool.run(count_slices(kSize), [&](std::size_t slice, int) { sum.add_slice(slice); });
  for (std::size_t slice = 0; slice < count_slices(kSize); ++slice) {
    EXPECT_TRUE(std::ranges::equal(sum.slice(slice), slice_of(std::span(expected), slice)));
  }
}

TEST(LaneTreeTest, TellsOneOrderFromAnother) {
  for (const int lanes : {3, 8, 33}) {
    auto gradients = test::rough_gradients<float>(lanes, 100);
    const auto sum = test::tree_sum(gradients, {0, lanes});
    std::ranges::rotate(gradients, gradients.begin() + 1);
    EXPECT_NE(test::tree_sum(gradients, {0, lanes}), sum);
  }
}

}  // namespace
}  // namespace microgpt
