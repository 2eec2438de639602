// Buffers are one a lane where that is little, and otherwise just enough: lanes that are begun in
// order always find one.
#include "training/lane_gradients.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "training/lane_tree.hpp"
#include "training/large_gradients.hpp"

namespace microgpt {
namespace {

TEST(LaneGradientsTest, GivesEachLaneItsOwnMemoryWhereThatIsLittle) {
  const ReductionLimits limits{.lanes_of_a_rank = 40, .nodes_of_a_rank = 2, .nodes = 4};
  const ModelShape shape = test::shape_of_gradient(10000);
  LaneGradients<float> gradients(shape, limits, 2);
  ASSERT_FALSE(gradients.in_order());
  gradients.begin_step({.first = 40, .end = 80}, 80);
  std::set<float*> blocks;
  // In any order, and without an end to any.
  for (int i = 0; i < 40; ++i) {
    const int lane = 40 + i * 7 % 40;
    float* const block = gradients.begin({lane, lane + 1}).wte.data;
    std::fill_n(block, test::parameters_of(shape), static_cast<float>(lane));
    blocks.insert(block);
  }
  EXPECT_EQ(blocks.size(), 40U);
  for (int lane = 40; lane < 80; ++lane) gradients.finish({lane, lane + 1});
  int lane = 40;
  for (const auto& subtree : gradients.subtrees({.lanes = {40, 80}, .rank = 0, .index = 0})) {
    EXPECT_EQ(subtree.lanes, (LaneRange{lane, lane + 1}));
    EXPECT_EQ(subtree.values.size(), test::parameters_of(shape));
    for (const float value : subtree.values) ASSERT_EQ(value, static_cast<float>(lane));
    ++lane;
  }
  EXPECT_EQ(lane, 80);
}

TEST(LaneGradientsTest, BeginsALaneWhenAllBeforeItHaveBegun) {
  const ReductionLimits limits = reduction_limits(64, 1);
  LaneGradients<float> gradients(test::large_shape(limits), limits, 3);
  gradients.begin_step({.first = 0, .end = 64}, 64);
  std::atomic<int> begun{0};
  std::jthread second([&] {
    (void)gradients.begin({2, 3});
    EXPECT_EQ(begun.load(), 2);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  begun = 2;
  (void)gradients.begin({0, 2});
}

// While the first lane takes its time, those after it leave more sums than can be added: no buffer
// is left. It goes on as soon as the first lane is there.
TEST(LaneGradientsTest, WaitsForASlowWorkerWhereNothingMoreCanBeAdded) {
  const ReductionLimits limits = reduction_limits(64, 1);
  LaneGradients<float> gradients(test::large_shape(limits), limits, 2);
  const auto lanes = test::rough_gradients<float>(64, 3);
  gradients.begin_step({.first = 0, .end = 64}, 64);
  const auto begin = [&](int lane) {
    std::ranges::copy(lanes[static_cast<std::size_t>(lane)],
                      gradients.begin({lane, lane + 1}).wte.data);
  };
  begin(0);
  std::atomic<int> begun{1};
  std::jthread quick([&] {
    for (int lane = 1; lane < 64; ++lane) {
      begin(lane);
      ++begun;
      gradients.finish({lane, lane + 1});
    }
  });
  for (int before = 0; before != begun.load();) {
    before = begun.load();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LT(begun.load(), 64);
  gradients.finish({0, 1});
  quick.join();

  TreeSum<float> sum(64);
  sum.plan(gradients.subtrees({.lanes = {0, 64}}), 64, 1);
  sum.add_slice(0);
  EXPECT_TRUE(std::ranges::equal(sum.slice(0).first(3), test::tree_sum(lanes, {0, 64})));
}

// One worker has as many finished subtrees as there can be.
TEST(LaneGradientsTest, HasEnoughBuffersHoweverManyLanes) {
  for (const auto& [lanes, ranks] : {std::pair{11, 1},
                                     {16, 1},
                                     {17, 1},
                                     {31, 1},
                                     {32, 1},
                                     {33, 1},
                                     {63, 1},
                                     {64, 1},
                                     {65, 1},
                                     {50, 3},
                                     {64, 3},
                                     {200, 7}}) {
    const ReductionLimits limits = reduction_limits(lanes, ranks);
    LaneGradients<float> gradients(test::large_shape(limits), limits, 1);
    EXPECT_TRUE(gradients.in_order());
    ReductionPlan plan(lanes, ranks);
    plan.set_lanes(lanes);
    for (int rank = 0; rank < ranks; ++rank) {
      const LaneRange own = plan.lanes_of(rank);
      gradients.begin_step(own, lanes);
      for (int lane = own.first; lane < own.end; ++lane) {
        (void)gradients.begin({lane, lane + 1});
        gradients.finish({lane, lane + 1});
      }
    }
  }
}

TEST(GradientBuffersTest, AreOneALaneWhereThatIsLittle) {
  for (const int lanes : {1, 7, 64, 1024}) {
    const ReductionLimits limits{.lanes_of_a_rank = lanes, .nodes_of_a_rank = 1, .nodes = 1};
    EXPECT_EQ(gradient_buffers(limits, 1, test::kLittle / static_cast<std::size_t>(lanes)), lanes);
    EXPECT_LE(gradient_buffers(limits, 1, 2 * test::kLittle), lanes);
  }
}

TEST(GradientBuffersTest, AreAFewMoreThanWorkersWhereGradientsAreLarge) {
  const auto buffers = [](int lanes, int nodes, int workers) {
    return gradient_buffers({.lanes_of_a_rank = lanes, .nodes_of_a_rank = nodes, .nodes = 9},
                            workers, test::kLittle / static_cast<std::size_t>(lanes) + 1);
  };
  EXPECT_EQ(buffers(64, 1, 1), 1 + 6);
  EXPECT_EQ(buffers(64, 1, 16), 16 + 6);
  EXPECT_EQ(buffers(65, 1, 2), 2 + 7);
  EXPECT_EQ(buffers(64, 5, 2), 2 + 6 + 4);
  EXPECT_EQ(buffers(1024, 1, 2), 2 + 10);
  // Never more than lanes.
  EXPECT_EQ(buffers(64, 1, 58), 64);
  EXPECT_EQ(buffers(64, 1, 64), 64);
  EXPECT_EQ(buffers(5, 1, 1), 4);
  EXPECT_EQ(buffers(5, 1, 2), 5);
  EXPECT_EQ(buffers(1, 1, 1), 1);
}

}  // namespace
}  // namespace microgpt
