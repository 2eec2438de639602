// Whatever lanes a process owns, and however many workers share them: each lane is taken once, in
// order, and only lanes whose gradients the tree adds to each other are taken together.
#include "training/lane_work.hpp"

#include <gtest/gtest.h>

#include <map>

namespace microgpt {
namespace {

// How many items there are of each size.
std::map<int, int> sizes_of(const LaneWork& work) {
  std::map<int, int> sizes;
  for (int i = 0; i < work.items(); ++i) ++sizes[work.item(i).size()];
  return sizes;
}

TEST(LaneWorkTest, TakesEachLaneOnceInOrderAndSubtreesTogether) {
  for (const int together : {1, 2, 4}) {
    for (int first = 0; first < 6; ++first) {
      for (int end = first; end < 40; ++end) {
        for (int workers = 1; workers < 9; ++workers) {
          const LaneWork work({first, end}, workers, together);
          int next = first;
          for (int i = 0; i < work.items(); ++i) {
            const LaneRange lanes = work.item(i);
            ASSERT_TRUE(lanes.size() == 1 || lanes.size() == 2 || lanes.size() == 4);
            ASSERT_LE(lanes.size(), together);
            ASSERT_EQ(lanes.first % lanes.size(), 0);
            ASSERT_EQ(lanes.first, next)
                << first << ".." << end << ", " << workers << " workers, item " << i;
            next = lanes.end;
          }
          ASSERT_EQ(next, end) << first << ".." << end << ", " << workers << " workers";
        }
      }
    }
  }
}

TEST(LaneWorkTest, GivesEveryWorkerAsManyOfEachSize) {
  for (int workers = 1; workers < 9; ++workers) {
    const auto pairs = sizes_of(LaneWork({0, 32}, workers, 2));
    EXPECT_EQ(pairs.at(2), 16 / workers * workers);
    auto sizes = sizes_of(LaneWork({0, 32}, workers, 4));
    EXPECT_EQ(sizes[4], 8 / workers * workers);
    EXPECT_EQ(sizes[2], (32 - 4 * sizes[4]) / 2 / workers * workers);
  }
}

TEST(LaneWorkTest, LeavesLanesToAWorkerThatWouldIdle) {
  using Sizes = std::map<int, int>;
  EXPECT_EQ(sizes_of(LaneWork({0, 2}, 1, 4)), (Sizes{{2, 1}}));
  EXPECT_EQ(sizes_of(LaneWork({0, 2}, 2, 4)), (Sizes{{1, 2}}));
  EXPECT_EQ(sizes_of(LaneWork({0, 4}, 1, 4)), (Sizes{{4, 1}}));
  EXPECT_EQ(sizes_of(LaneWork({0, 4}, 2, 4)), (Sizes{{2, 2}}));
  EXPECT_EQ(sizes_of(LaneWork({0, 4}, 4, 4)), (Sizes{{1, 4}}));
  EXPECT_EQ(sizes_of(LaneWork({0, 12}, 2, 4)), (Sizes{{4, 2}, {2, 2}}));
}

}  // namespace
}  // namespace microgpt
