// A training step allocates nothing once the trainer stands: every call of malloc is counted, from
// whatever library it comes.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "distributed/thread_group.hpp"
#include "training/data_parallel.hpp"
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

class AllocationTest : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(AllocationTest, AStepAllocatesNothing) {
#if !defined(__GLIBC__) || defined(MICROGPT_CANNOT_COUNT)
  GTEST_SKIP() << "malloc cannot be counted in this build";
#endif
  const auto [ranks, threads] = GetParam();
  const Dataset dataset = test::random_words(300, 16);
  const ModelShape shape{.vocab_size = dataset.tokenizer().vocab_size(),
                         .n_layer = 2,
                         .n_embd = 64,
                         .n_head = 4,
                         .block_size = 16,
                         .activation = Activation::gelu};
  const kernels::AdamStep step{.learning_rate = 0.01,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .epsilon = 1e-8,
                               .weight_decay = 0,
                               .bias_correction1 = 0.1,
                               .bias_correction2 = 0.05};
  const std::span<const Document> documents(dataset.documents());
  std::barrier all_here(ranks);
  test::in_group(ranks, [&, threads = threads](ProcessGroup& group) {
    ModelState<float> state{ParameterLayout(shape)};
    PythonRandom random(1);
    initialize_parameters<float>(ParameterLayout(shape), 0.02, false, random,
                                 state.parameters.values());
    DataParallelEngine<float> engine(shape, state, dataset.stream(), 40, threads, group);
    const auto run_steps = [&] {
      for (std::size_t first = 0; first + 40 <= documents.size(); first += 40) {
        engine.compute_gradient(documents.subspan(first, 40));
        engine.update(step);
      }
    };
    run_steps();
    all_here.arrive_and_wait();
    const std::size_t before = allocations.load();
    EXPECT_GT(before, 0U);
    all_here.arrive_and_wait();
    run_steps();
    all_here.arrive_and_wait();
    EXPECT_EQ(allocations.load() - before, 0U);
    all_here.arrive_and_wait();
  });
}

INSTANTIATE_TEST_SUITE_P(RanksAndThreads, AllocationTest,
                         testing::Values(std::tuple{1, 1}, std::tuple{1, 2}, std::tuple{1, 8},
                                         std::tuple{3, 1}, std::tuple{2, 2}));

}  // namespace
}  // namespace microgpt
