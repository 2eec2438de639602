// A training step allocates nothing once the trainer stands: every call of malloc is counted, from
// whatever library it comes.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "distributed/thread_group.hpp"
#include "training/data_parallel.hpp"
#include "training/large_gradients.hpp"
#include "training/support.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MICROGPT_CANNOT_COUNT 1
#endif

namespace {
std::atomic<std::size_t> allocations{0};
}

#if defined(__GLIBC__) && !defined(MICROGPT_CANNOT_COUNT)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
}
#endif

namespace microgpt {
namespace {

constexpr std::size_t kBatch = 80;

class AllocationTest : public testing::TestWithParam<std::tuple<int, int, std::int64_t>> {};

TEST_P(AllocationTest, AStepAllocatesNothing) {
#if !defined(__GLIBC__) || defined(MICROGPT_CANNOT_COUNT)
  GTEST_SKIP() << "malloc cannot be counted in this build";
#endif
  const auto [ranks, threads, n_embd] = GetParam();
  const Dataset dataset = test::random_words(300, 16);
  const ModelShape shape{.vocab_size = dataset.tokenizer().vocab_size(),
                         .n_layer = 2,
                         .n_embd = n_embd,
                         .n_head = 4,
                         .block_size = 16,
                         .activation = Activation::gelu};
  const std::size_t gradient =
      static_cast<std::size_t>(ParameterLayout(shape).size()) * sizeof(float);
  const BatchLimits limits = batch_limits(shape.block_size, kBatch, gradient);
  const ReductionLimits own = reduction_limits(static_cast<int>(limits.max_lanes), ranks);
  EXPECT_EQ(gradient_buffers(own, threads, gradient) < own.lanes_of_a_rank, n_embd == 224);
  const kernels::AdamStep step = test::first_adam_step(0.01, 0);
  const std::span<const Document> documents(dataset.documents());
  std::barrier all_here(ranks);
  test::in_group(ranks, [&, threads = threads](ProcessGroup& group) {
    ModelState<float> state{ParameterLayout(shape)};
    PythonRandom random(1);
    initialize_parameters<float>(ParameterLayout(shape), 0.02, false, random,
                                 state.parameters.values());
    DataParallelEngine<float> engine(shape, state, dataset.stream(), shape.block_size, kBatch,
                                     threads, group);
    const auto run_steps = [&](std::size_t batch) {
      for (std::size_t first = 0; first + batch <= documents.size(); first += batch) {
        engine.compute_gradient(documents.subspan(first, batch));
        EXPECT_TRUE(engine.update(step));
      }
    };
    // Meanwhile threads start; but in steps of few lanes, which leave nothing to those of many.
    run_steps(kBatch / 4);
    all_here.arrive_and_wait();
    const std::size_t before = allocations.load();
    EXPECT_GT(before, 0U);
    all_here.arrive_and_wait();
    run_steps(kBatch);
    all_here.arrive_and_wait();
    EXPECT_EQ(allocations.load() - before, 0U);
    all_here.arrive_and_wait();
  });
}

// The wider model's gradients, of 5 MB, are too large for one a lane.
INSTANTIATE_TEST_SUITE_P(RanksAndThreads, AllocationTest,
                         testing::Values(std::tuple{1, 1, 64}, std::tuple{1, 2, 64},
                                         std::tuple{1, 8, 64}, std::tuple{3, 1, 64},
                                         std::tuple{2, 2, 64}, std::tuple{1, 1, 224},
                                         std::tuple{1, 8, 224}, std::tuple{2, 2, 224}));

// From the first batch on, however much longer the next one is.
TEST(PlanAllocationTest, DealingAllocatesNothing) {
#if !defined(__GLIBC__) || defined(MICROGPT_CANNOT_COUNT)
  GTEST_SKIP() << "malloc cannot be counted in this build";
#endif
  const std::vector<Document> documents(300, {.offset = 0, .length = 16});
  const BatchLimits limits{.max_lanes = 64, .lane_positions = 32, .piece_positions = 128};
  LanePlan plan(limits, 300, 16);
  const std::size_t before = allocations.load();
  for (const std::size_t count : {1U, 40U, 300U}) plan.deal(std::span(documents).first(count));
  EXPECT_EQ(allocations.load() - before, 0U);
}

// Nor does a step of shared buffers, even the first.
TEST(PlanAllocationTest, SharingBuffersAllocatesNothing) {
#if !defined(__GLIBC__) || defined(MICROGPT_CANNOT_COUNT)
  GTEST_SKIP() << "malloc cannot be counted in this build";
#endif
  const ReductionLimits limits = reduction_limits(64, 1);
  LaneGradients<float> gradients(test::large_shape(limits), limits, 1);
  TreeSum<float> sum(64);
  const std::size_t before = allocations.load();
  gradients.begin_step({.first = 0, .end = 64}, 64);
  for (int lane = 0; lane < 64; ++lane) {
    (void)gradients.begin({lane, lane + 1});
    gradients.finish({lane, lane + 1});
  }
  sum.plan(gradients.subtrees({.lanes = {0, 64}}), 64, 1);
  EXPECT_EQ(allocations.load() - before, 0U);
}

}  // namespace
}  // namespace microgpt
