// What a run says that it needs, against what its parts are known to be made of.
#include "training/memory_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/temporary_folder.hpp"
#include "distributed/thread_group.hpp"
#include "microgpt/error.hpp"
#include "training/support.hpp"

namespace microgpt {
namespace {

constexpr ModelShape kShape{.vocab_size = 27,
                            .n_layer = 2,
                            .n_embd = 64,
                            .n_head = 4,
                            .block_size = 16,
                            .activation = Activation::relu};
// wte, lm_head; wpe; 12 n_embd² a layer.
constexpr std::int64_t kParameters = 2 * 27 * 64 + 16 * 64 + 2 * 12 * 64 * 64;

TEST(MemoryPlan, CountsCopiesOfTheParameters) {
  const MemoryPlan plan = plan_memory(kShape, 16, Precision::float32, 8, 1);
  EXPECT_EQ(plan.model, 3 * kParameters * 4);
  EXPECT_EQ(plan.gradients, 4 * kParameters * 4);  // 8 · 16 positions are four lanes
  EXPECT_EQ(plan.checkpoint, 6 * kParameters * 4);
  EXPECT_EQ(plan.batch, 8 * (3 * 16 + 8));  // as they come, sorted, dealt; and the losses
  EXPECT_EQ(plan.total(),
            plan.model + plan.gradients + plan.activations + plan.batch + plan.checkpoint);
}

TEST(MemoryPlan, TakesTwiceAsMuchInDoublePrecision) {
  const MemoryPlan single = plan_memory(kShape, 16, Precision::float32, 8, 2);
  const MemoryPlan twice = plan_memory(kShape, 16, Precision::float64, 8, 2);
  EXPECT_EQ(twice.model, 2 * single.model);
  EXPECT_EQ(twice.gradients, 2 * single.gradients);
  // Long rows are rounded up to an odd number of vectors: of floats, 8 to 9; of doubles, 16 to 17.
  EXPECT_NEAR(static_cast<double>(twice.activations), 2.0 * static_cast<double>(single.activations),
              0.07 * static_cast<double>(twice.activations));
}

TEST(MemoryPlan, SaysWhatToLowerWhereItIsTooLarge) {
  constexpr std::int64_t kFar = std::int64_t{1} << 61U;
  const auto advice = [](const MemoryPlan& plan) {
    return message_of<InputError>([&] { require_room_for(plan, 0); });
  };
  EXPECT_THAT(advice({.batch = kFar}), testing::EndsWith(": lower batch_size"));
  EXPECT_THAT(advice({.gradients = kFar}), testing::HasSubstr(": lower batch_size, n_embd"));
  EXPECT_THAT(advice({.activations = kFar}), testing::HasSubstr(": lower --threads, block_size"));
  EXPECT_THAT(advice({.model = kFar}), testing::HasSubstr(": lower n_embd"));
  EXPECT_THAT(advice({.checkpoint = kFar}), testing::HasSubstr(": lower n_embd"));
}

TEST(MemoryPlan, GrowsWithWorkersUpToTheLanes) {
  const std::int64_t one = plan_memory(kShape, 16, Precision::float32, 8, 1).activations;
  EXPECT_EQ(plan_memory(kShape, 16, Precision::float32, 8, 3).activations, 3 * one);
  EXPECT_EQ(plan_memory(kShape, 16, Precision::float32, 8, 4096).activations, 4 * one);
  // 128 positions: two residual inputs, qkv, attended and hidden in each layer; the embeddings and
  // the output, scratch of six times n_embd and of two MLPs, a transposed one, and logits;
  // attention's two squares; the gradient of the embeddings.
  const std::int64_t stored =
      128 * 4 * (2 * (3 + 3 + 4) * 64 + (2 + 6 + 2 * 4 + 4) * 64 + 27 + 2 * 16) +
      4 * (27 + 16) * 64;
  EXPECT_GT(one, stored);
  EXPECT_LT(one, stored * 5 / 4);
}

TEST(MemoryPlan, FollowsTheLongestDocumentWhateverTheModelReads) {
  ModelShape far = kShape;
  far.block_size = 1024;
  const MemoryPlan of_short = plan_memory(far, 16, Precision::float32, 8, 4);
  const MemoryPlan near = plan_memory(kShape, 16, Precision::float32, 8, 4);
  const std::int64_t places = (1024 - 16) * 64 * 4;
  EXPECT_EQ(of_short.gradients - near.gradients, 4 * places);  // of four lanes
  // Each worker has room for two gradients of every place's embedding.
  EXPECT_EQ(of_short.activations - near.activations, 4 * 2 * places);
  const MemoryPlan of_long = plan_memory(far, 1024, Precision::float32, 8, 4);
  EXPECT_GT(of_long.activations, 5 * of_short.activations);
}

TEST(MemoryPlan, IsSharedByProcesses) {
  // So many parameters are sharded. Rank 0 has room for all moments, and writes the checkpoint.
  ModelShape large = kShape;
  large.n_embd = 256;
  const std::int64_t parameters = 4 * (2 * 27 * 256 + 16 * 256 + 2 * 12 * 256 * 256);
  test::in_group(4, [&](ProcessGroup& group) {
    const MemoryPlan plan = plan_memory(large, 16, Precision::float32, 64, 3, group);
    EXPECT_EQ(plan.gradients, 8 * parameters);  // of 32 lanes
    EXPECT_EQ(plan.checkpoint, group.rank() == 0 ? 6 * parameters : 0);
    if (group.rank() == 0) {
      EXPECT_EQ(plan.model, 3 * parameters);
    } else {
      EXPECT_NEAR(static_cast<double>(plan.model), 1.5 * static_cast<double>(parameters),
                  2 * 2048 * 4);
    }
    EXPECT_GE(plan.exchange, parameters - 4 * 2048 * 4);
    EXPECT_LE(plan.exchange, 5 * parameters);
  });
}

TEST(MemoryPlan, HasFewerGradientsThanLanesWhereTheyAreLarge) {
  ModelShape large = kShape;
  large.n_embd = 384;
  large.n_layer = 6;
  large.block_size = 256;
  const std::int64_t parameters = 4 * (2 * 27 * 384 + 256 * 384 + 6 * 12 * 384 * 384);
  // 8 lanes, three levels of the tree over them, one node.
  for (const auto& [threads, gradients] :
       {std::pair{1, 1 + 3}, {2, 2 + 3}, {3, 3 + 3}, {4, 4 + 3}, {5, 8}, {8, 8}, {100, 8}}) {
    const MemoryPlan plan = plan_memory(large, 256, Precision::float32, 8, threads);
    EXPECT_EQ(plan.gradients, gradients * parameters) << threads << " threads";
    const MemoryPlan twice = plan_memory(large, 256, Precision::float64, 8, threads);
    EXPECT_EQ(twice.gradients, gradients * 2 * parameters) << threads << " threads";
  }
}

TEST(MemoryPlan, RefusesWhatIsMoreThanAnyMachineHas) {
  ModelShape giant = kShape;
  giant.n_layer = 1000;
  giant.n_embd = 65536;
  const MemoryPlan plan = plan_memory(giant, 16, Precision::float32, 8, 1);
  try {
    require_room_for(plan, 0);
    FAIL() << "nothing was thrown";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(),
                testing::AllOf(testing::HasSubstr("TiB"), testing::HasSubstr("n_embd"),
                               testing::Not(testing::HasSubstr("\n"))));
  }
  require_room_for(plan, plan.total());
}

TEST(MemoryPlan, IsAskedBeforeARunBegins) {
  const Dataset dataset = test::random_words(20, 8);
  Config config;
  config.n_layer = 1000;
  config.n_embd = 65536;
  EXPECT_THROW(Trainer(config, dataset, 1), InputError);
}

}  // namespace
}  // namespace microgpt
