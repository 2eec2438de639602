// Workers that share a few buffers, in any pairs and whichever of them is slow: no lane's gradient
// is lost, nobody waits for ever, and what is added meanwhile are sums of the tree.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>

#include "training/lane_gradients.hpp"
#include "training/lane_tree.hpp"
#include "training/lane_work.hpp"
#include "training/large_gradients.hpp"
#include "training/slices.hpp"
#include "training/worker_pool.hpp"

namespace microgpt {
namespace {

// The scalars that are looked at; buffers are large.
using Places = std::array<std::size_t, 9>;
Places places_in(std::size_t size) {
  return {0, 1, 511, 512, kSlice - 1, kSlice, size / 2, size - 2, size - 1};
}

enum class Taken { one_by_one, in_fours, in_pairs_one_after_the_other };

// Workers that compute a process's lanes, some of them slowly.
class Process {
 public:
  Process(const ReductionLimits& limits, int workers)
      : shape_(test::large_shape(limits)),
        places_(places_in(test::parameters_of(shape_))),
        gradients_(shape_, limits, workers),
        pool_(workers) {}

  [[nodiscard]] bool in_order() const { return gradients_.in_order(); }

  void compute(LaneRange own, const test::Gradients<float>& lanes, Taken taken) {
    gradients_.begin_step(own, static_cast<int>(lanes.size()));
    const int together = taken == Taken::one_by_one ? 1 : taken == Taken::in_fours ? 4 : 2;
    const LaneWork work(own, pool_.workers(), together);
    const auto items = static_cast<std::size_t>(work.items());
    pool_.run_in_order(items, [&](std::size_t item, int) {
      const LaneRange range = work.item(static_cast<int>(item));
      if (taken != Taken::in_pairs_one_after_the_other) return compute(range, lanes);
      for (int lane = range.first; lane < range.end; ++lane) compute({lane, lane + 1}, lanes);
    });
  }

  // The sum of a node's lanes, at the places.
  [[nodiscard]] std::vector<float> sum_of(const ReductionNode& node, int all_lanes) {
    TreeSum<float> sum(node.lanes.size());
    sum.plan(gradients_.subtrees(node), all_lanes, pool_.workers());
    std::set<std::size_t> slices;
    for (const std::size_t place : places_) slices.insert(place / kSlice);
    for (const std::size_t slice : slices) sum.add_slice(slice);
    std::vector<float> values;
    for (const std::size_t place : places_) {
      values.push_back(sum.slice(place / kSlice)[place % kSlice]);
    }
    return values;
  }

 private:
  void compute(LaneRange range, const test::Gradients<float>& lanes) {
    dawdle(range.first + 1);
    float* const to = gradients_.begin(range).wte.data;
    // Some are done long after lanes that were begun later; the first is last of all.
    dawdle(range.first);
    const std::vector<float> values = test::tree_sum(lanes, range);
    for (std::size_t i = 0; i < places_.size(); ++i) to[places_[i]] = values[i];
    gradients_.finish(range);
  }

  static void dawdle(int lane) {
    if (lane % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(lane == 0 ? 5 : 1));
    if (lane % 3 == 1) std::this_thread::yield();
  }

  ModelShape shape_;
  Places places_;
  LaneGradients<float> gradients_;
  WorkerPool pool_;
};

void expect_sums(int max_lanes, int ranks, int workers, Taken taken) {
  const ReductionLimits limits = reduction_limits(max_lanes, ranks);
  Process process(limits, workers);
  ReductionPlan plan(max_lanes, ranks);
  // The most, a number that is no power of two, so few that some processes have none, the most.
  unsigned step = 0;
  for (const int lanes : {max_lanes, max_lanes - 7, 2, max_lanes}) {
    plan.set_lanes(lanes);
    const auto gradients = test::rough_gradients<float>(lanes, Places().size(), ++step);
    for (int rank = 0; rank < ranks; ++rank) {
      process.compute(plan.lanes_of(rank), gradients, taken);
      for (const ReductionNode& node : plan.nodes_of(rank)) {
        EXPECT_EQ(process.sum_of(node, lanes), test::tree_sum(gradients, node.lanes))
            << "lanes " << node.lanes.first << " .. " << node.lanes.end << " of " << lanes << ", "
            << workers << " workers";
      }
    }
  }
}

class SharedBuffersTest : public testing::TestWithParam<int> {};

TEST_P(SharedBuffersTest, HoldSumsOfTheTree) {
  for (const int max_lanes : {32, 37, 64, 100}) {
    ASSERT_TRUE(Process(reduction_limits(max_lanes, 1), GetParam()).in_order());
    expect_sums(max_lanes, 1, GetParam(), Taken::one_by_one);
  }
}

TEST_P(SharedBuffersTest, HoldThemWhereLanesAreTakenInPairs) {
  for (const int max_lanes : {37, 64}) {
    expect_sums(max_lanes, 1, GetParam(), Taken::in_fours);
    expect_sums(max_lanes, 1, GetParam(), Taken::in_pairs_one_after_the_other);
  }
}

TEST_P(SharedBuffersTest, HoldTheNodesOfAProcessThatHasSeveral) {
  EXPECT_GT(reduction_limits(64, 3).nodes_of_a_rank, 1);
  for (const int ranks : {3, 5}) {
    expect_sums(64, ranks, GetParam(), Taken::one_by_one);
    expect_sums(64, ranks, GetParam(), Taken::in_fours);
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, SharedBuffersTest, testing::Values(1, 2, 3, 8));

}  // namespace
}  // namespace microgpt
