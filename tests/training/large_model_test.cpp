// Promise: where workers share the buffers of large gradients, a step has the same bits for any
// number of threads and processes; and they are those of each lane's gradient on its own, added as
// the tree over the lanes says.
#include <gtest/gtest.h>

#include <numeric>

#include "distributed/thread_group.hpp"
#include "model/tiny_model.hpp"
#include "training/data_parallel.hpp"
#include "training/lane_tree.hpp"
#include "training/support.hpp"

namespace microgpt {
namespace {

// A gradient of 3 MB, and batches of some 32 lanes; there might be 64.
constexpr ModelShape kShape{.vocab_size = 27,
                            .n_layer = 4,
                            .n_embd = 128,
                            .n_head = 4,
                            .block_size = 16,
                            .activation = Activation::relu_squared};
constexpr std::size_t kDocuments = 120;

// With so large an epsilon an update tells gradients apart that differ in a bit.
constexpr kernels::AdamStep kStep = test::first_adam_step(0.5, 0.01, 1);

struct Outcome {
  std::string bytes;  // of parameters and moments
  std::vector<double> losses;
};

class LargeModelTest : public testing::Test {
 protected:
  using State = ModelState<float>;

  [[nodiscard]] State new_state(std::size_t moments) const {
    State state(model_.layout, moments);
    std::ranges::copy(model_.parameters.values(), state.parameters.data());
    return state;
  }

  // Steps of all documents, then of a part of them, as the first process sees them.
  [[nodiscard]] Outcome train(int ranks, int threads, int steps) const {
    Outcome outcome;
    test::in_group(ranks, [&](ProcessGroup& group) {
      const Sharding sharding =
          plan_shards(size_, sizeof(float), static_cast<int>(limits_.max_lanes), ranks);
      State state = new_state(moments_kept(size_, sharding, group.rank()));
      Outcome mine;
      {
        DataParallelEngine<float> engine(kShape, state, documents_.stream, kShape.block_size,
                                         kDocuments, threads, group);
        for (int step = 0; step < steps; ++step) {
          mine.losses.push_back(engine.compute_gradient(batch(step)).loss);
          EXPECT_TRUE(engine.update(kStep));
        }
        engine.collect_state();
      }
      if (group.rank() != 0) return;
      mine.bytes = test::bytes_of(state);
      outcome = std::move(mine);
    });
    return outcome;
  }

  [[nodiscard]] std::span<const Document> batch(int step) const {
    return std::span(documents_.documents).subspan(step == 0 ? 0 : 77);
  }

  // The first step without workers, pieces of several lanes, or buffers that are shared.
  [[nodiscard]] Outcome expected_first_step() const {
    LanePlan plan(limits_, kDocuments, kShape.block_size);
    plan.deal(batch(0));
    const double scale = 1.0 / static_cast<double>(kDocuments);
    Outcome outcome;
    test::Gradients<float> gradients;
    std::vector<double> losses;
    for (const LanePlan::Lane lane : plan.lanes()) {
      auto result = model_.gradient({documents_.stream, lane}, scale);
      losses.insert(losses.end(), result.losses.begin(), result.losses.end());
      gradients.push_back(std::move(result.gradient));
    }
    const auto lanes = static_cast<int>(gradients.size());
    const std::vector<float> sum = test::tree_sum(gradients, {0, lanes});
    outcome.losses = {std::accumulate(losses.begin(), losses.end(), 0.0) * scale};
    State state = new_state(size_);
    kernels::adam_update<float>(kStep, sum, state.parameters.values(), state.m.values(),
                                state.v.values());
    outcome.bytes = test::bytes_of(state);
    return outcome;
  }

  // Whether workers do share buffers.
  [[nodiscard]] bool shares_buffers(int ranks, int threads) const {
    const auto limits = reduction_limits(static_cast<int>(limits_.max_lanes), ranks);
    return gradient_buffers(limits, threads, size_ * sizeof(float)) < limits.lanes_of_a_rank;
  }

  void expect_same(const Outcome& outcome, const Outcome& expected) const {
    EXPECT_TRUE(outcome.bytes == expected.bytes);
    EXPECT_EQ(outcome.losses, expected.losses);
  }

  const TinyModel<float> model_{kShape};
  const RaggedDocuments documents_{kShape, kDocuments};
  const std::size_t size_ = model_.parameters.size();
  const BatchLimits limits_ = batch_limits(kShape.block_size, kDocuments, size_ * sizeof(float));
};

TEST_F(LargeModelTest, HasTheBitsOfEachLaneOnItsOwn) {
  ASSERT_TRUE(shares_buffers(1, 1));
  expect_same(train(1, 1, 1), expected_first_step());
}

TEST_F(LargeModelTest, HasTheSameBitsForAnyNumberOfThreadsAndProcesses) {
  const Outcome expected = train(1, 1, 2);
  for (const auto& [ranks, threads] : {std::pair{1, 2}, {1, 3}, {1, 8}, {2, 1}, {3, 2}}) {
    SCOPED_TRACE(std::to_string(ranks) + " processes, " + std::to_string(threads) + " threads");
    EXPECT_TRUE(shares_buffers(ranks, threads));
    expect_same(train(ranks, threads, 2), expected);
  }
}

}  // namespace
}  // namespace microgpt
