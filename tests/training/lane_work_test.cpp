// Whatever lanes a process owns, and however many workers share them: each lane is taken once, in
// order, and only lanes that the tree adds first are taken together.
#include "training/lane_work.hpp"

#include <gtest/gtest.h>

namespace microgpt {
namespace {

TEST(LaneWorkTest, TakesEachLaneOnceInOrderAndPairsNeighboursOfTheTree) {
  for (int first = 0; first < 6; ++first) {
    for (int end = first; end < 40; ++end) {
      for (int workers = 1; workers < 9; ++workers) {
        const LaneWork work({first, end}, workers);
        int next = first;
        for (int i = 0; i < work.items(); ++i) {
          const LaneRange lanes = work.item(i);
          ASSERT_TRUE(lanes.size() == 1 || (lanes.size() == 2 && lanes.first % 2 == 0));
          ASSERT_EQ(lanes.first, next)
              << first << ".." << end << ", " << workers << " workers, item " << i;
          next = lanes.end;
        }
        ASSERT_EQ(next, end) << first << ".." << end << ", " << workers << " workers";
      }
    }
  }
}

TEST(LaneWorkTest, GivesEveryWorkerAsManyPairs) {
  for (int workers = 1; workers < 9; ++workers) {
    const LaneWork work({0, 32}, workers);
    int pairs = 0;
    for (int i = 0; i < work.items(); ++i) pairs += work.item(i).size() == 2 ? 1 : 0;
    EXPECT_EQ(pairs, 16 / workers * workers);
  }
}

TEST(LaneWorkTest, LeavesSingleLanesWhereAPairWouldIdleAWorker) {
  EXPECT_EQ(LaneWork({0, 2}, 1).items(), 1);
  EXPECT_EQ(LaneWork({0, 2}, 2).items(), 2);
  EXPECT_EQ(LaneWork({0, 4}, 2).items(), 2);
  EXPECT_EQ(LaneWork({0, 4}, 4).items(), 4);
}

TEST(LaneWorkTest, LeavesSingleLanesWherePairsDoNotFit) {
  for (int workers = 1; workers < 9; ++workers) {
    const LaneWork work({1, 8}, workers, false);
    ASSERT_EQ(work.items(), 7);
    for (int i = 0; i < 7; ++i) EXPECT_EQ(work.item(i), (LaneRange{1 + i, 2 + i}));
  }
}

}  // namespace
}  // namespace microgpt
