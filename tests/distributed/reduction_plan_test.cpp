// However many processes share the lanes: each lane is somebody's, and the sum is that of one tree.
#include "distributed/reduction_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace microgpt {
namespace {

constexpr int kMaxLanes = 70;
constexpr int kMaxRanks = 70;

// Numbers whose sum depends on the order of additions.
std::vector<float> rough_numbers() {
  std::mt19937 random(5);
  std::vector<float> numbers;
  for (int i = 0; i < kMaxLanes; ++i) {
    numbers.push_back(1.0F / (1.0F + static_cast<float>(random() % 1000)));
  }
  return numbers;
}

float sum_of_one_process(std::vector<float> lanes) {
  for (std::size_t distance = 1; distance < lanes.size(); distance *= 2) {
    for (std::size_t lane = 0; lane + distance < lanes.size(); lane += 2 * distance) {
      lanes[lane] += lanes[lane + distance];
    }
  }
  return lanes[0];
}

float sum_of_plan(const ReductionPlan& plan, const std::vector<float>& lanes) {
  std::vector<float> sums;
  for (const ReductionNode& node : plan.nodes()) {
    sums.push_back(
        sum_of_one_process({lanes.begin() + node.lanes.first, lanes.begin() + node.lanes.end}));
  }
  for (const NodeAddition& addition : plan.additions()) sums[addition.to] += sums[addition.from];
  return sums[0];
}

void expect_tiles(const ReductionPlan& plan, int lanes, int ranks) {
  int next_lane = 0;
  int node_lane = 0;
  std::size_t next_node = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const LaneRange own = plan.lanes_of(rank);
    EXPECT_EQ(own.first, next_lane);
    EXPECT_LE(own.first, own.end);
    next_lane = own.end;
    int index = 0;
    for (const ReductionNode& node : plan.nodes_of(rank)) {
      EXPECT_EQ(&node, &plan.nodes()[next_node++]);
      EXPECT_EQ(node.rank, rank);
      EXPECT_EQ(node.index, index++);
      EXPECT_EQ(node.lanes.first, node_lane);
      EXPECT_LT(node.lanes.first, node.lanes.end);
      EXPECT_LE(node.lanes.end, own.end);
      node_lane = node.lanes.end;
    }
    EXPECT_EQ(node_lane, own.end);
    EXPECT_LE(index, plan.most_nodes());
  }
  EXPECT_EQ(next_lane, lanes);
  EXPECT_EQ(next_node, plan.nodes().size());
}

TEST(ReductionPlanTest, HasTheBitsOfOneProcess) {
  const std::vector<float> numbers = rough_numbers();
  // The numbers do tell one order from another.
  float in_a_row = 0;
  for (const float number : numbers) in_a_row += number;
  ASSERT_NE(in_a_row, sum_of_one_process(numbers));

  for (int ranks = 1; ranks <= kMaxRanks; ++ranks) {
    ReductionPlan plan(kMaxLanes, ranks);
    for (int lanes = kMaxLanes; lanes >= 1; --lanes) {
      plan.set_lanes(lanes);
      expect_tiles(plan, lanes, ranks);
      const std::vector<float> some(numbers.begin(), numbers.begin() + lanes);
      EXPECT_EQ(sum_of_plan(plan, some), sum_of_one_process(some)) << lanes << " / " << ranks;
      EXPECT_EQ(plan.additions().size(), plan.nodes().size() - 1);
    }
  }
}

// Of all pairs of ranges just those that the tree adds: for d = 1, 2, 4, ... the lanes from i and
// those from i + d, d of them or as many as there are.
TEST(ReductionPlanTest, SiblingsAreWhatTheTreeAdds) {
  for (int lanes = 1; lanes <= 20; ++lanes) {
    std::vector<std::pair<LaneRange, LaneRange>> additions;
    for (int d = 1; d < lanes; d *= 2) {
      for (int i = 0; i + d < lanes; i += 2 * d) {
        additions.push_back({{i, i + d}, {i + d, std::min(i + 2 * d, lanes)}});
      }
    }
    std::vector<LaneRange> ranges;
    for (int first = 0; first < lanes; ++first) {
      for (int end = first + 1; end <= lanes; ++end) ranges.push_back({first, end});
    }
    for (const LaneRange left : ranges) {
      for (const LaneRange right : ranges) {
        const bool added = std::ranges::find(additions, std::pair{left, right}) != additions.end();
        ASSERT_EQ(are_siblings(left, right, lanes), added)
            << left.first << " .. " << left.end << " and " << right.first << " .. " << right.end
            << " of " << lanes;
      }
    }
  }
}

TEST(ReductionPlanTest, GivesNobodyMuchMoreThanAnEqualShare) {
  for (int ranks = 1; ranks <= kMaxRanks; ++ranks) {
    ReductionPlan plan(kMaxLanes, ranks);
    for (int lanes = 1; lanes <= kMaxLanes; ++lanes) {
      plan.set_lanes(lanes);
      const int share = (lanes + ranks - 1) / ranks;
      for (int rank = 0; rank < ranks; ++rank) {
        EXPECT_LE(plan.lanes_of(rank).size(), share + share / 8) << lanes << " / " << ranks;
      }
    }
  }
}

TEST(ReductionPlanTest, GivesEachOfTwoToTheKOneNode) {
  for (int ranks = 1; ranks <= 64; ranks *= 2) {
    ReductionPlan plan(64, ranks);
    plan.set_lanes(64);
    EXPECT_EQ(plan.most_nodes(), 1);
    EXPECT_EQ(plan.nodes().size(), static_cast<std::size_t>(ranks));
  }
}

TEST(ReductionPlanTest, KeepsTheNodesOfOtherNumbersFew) {
  const std::map<int, std::size_t> most{{3, 5}, {5, 13}, {6, 10}, {7, 16}, {12, 26}};
  for (const auto& [ranks, nodes] : most) {
    ReductionPlan plan(64, ranks);
    plan.set_lanes(64);
    EXPECT_LE(plan.nodes().size(), nodes) << ranks;
  }
}

TEST(ReductionPlanTest, LimitsHoldForEveryStep) {
  for (const int ranks : {1, 2, 3, 7, 100}) {
    const ReductionLimits limits = reduction_limits(kMaxLanes, ranks);
    ReductionPlan plan(kMaxLanes, ranks);
    for (int lanes = 1; lanes <= kMaxLanes; ++lanes) {
      plan.set_lanes(lanes);
      EXPECT_LE(plan.nodes().size(), static_cast<std::size_t>(limits.nodes));
      EXPECT_LE(plan.most_nodes(), limits.nodes_of_a_rank);
      for (int rank = 0; rank < ranks; ++rank) {
        EXPECT_LE(plan.lanes_of(rank).size(), limits.lanes_of_a_rank);
      }
    }
  }
}

TEST(ShardBoundsTest, CoverTheSlicesEvenly) {
  for (std::size_t slices = 1; slices <= 40; ++slices) {
    for (int ranks = 1; ranks <= 50; ++ranks) {
      const auto bounds = shard_bounds(slices, ranks);
      ASSERT_EQ(bounds.size(), static_cast<std::size_t>(ranks) + 1);
      EXPECT_EQ(bounds.front(), 0U);
      EXPECT_EQ(bounds.back(), slices);
      std::size_t least = slices;
      std::size_t most = 0;
      for (std::size_t rank = 0; rank + 1 < bounds.size(); ++rank) {
        ASSERT_LE(bounds[rank], bounds[rank + 1]);
        least = std::min(least, bounds[rank + 1] - bounds[rank]);
        most = std::max(most, bounds[rank + 1] - bounds[rank]);
      }
      EXPECT_LE(most - least, 1U);
    }
  }
}

}  // namespace
}  // namespace microgpt
