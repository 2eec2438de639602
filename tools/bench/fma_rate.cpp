#include "fma_rate.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

#include "clock.hpp"
#include "kernels/simd.hpp"

namespace microgpt::bench {
namespace {

// Enough chains to hide the latency of each.
constexpr int kChains = 12;
constexpr int kRounds = 200'000;
constexpr double kOperations =
    2.0 * kChains * kRounds * static_cast<double>(kernels::kLanes<float>);

// Half a millisecond or so of kOperations.
void multiply_and_add() {
  using Vector = kernels::Vector<float>;
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = Vector{} + static_cast<float>(i);
  const Vector factor = Vector{} + 0.999F;
  for (int round = 0; round < kRounds; ++round) {
    kernels::unrolled<kChains>([&](auto i) __attribute__((always_inline)) {
      sums[i] = sums[i] * factor + factor;
    });
  }
  for (Vector& sum : sums) benchmark::DoNotOptimize(sum);
}

}  // namespace

double fma_rate() {
  const auto start = Clock::now();
  multiply_and_add();
  return kOperations / seconds_since(start);
}

double fma_rate_together(int threads) {
  constexpr double kSeconds = 0.01;
  std::atomic<std::int64_t> loops{0};
  Clock::time_point start;
  {
    std::barrier ready(threads, [&]() noexcept { start = Clock::now(); });
    std::vector<std::jthread> team;
    team.reserve(static_cast<std::size_t>(threads));
    for (int t = 0; t < threads; ++t) {
      team.emplace_back([&] {
        ready.arrive_and_wait();
        for (; seconds_since(start) < kSeconds; ++loops) multiply_and_add();
      });
    }
  }
  return kOperations * static_cast<double>(loops) / seconds_since(start);
}

}  // namespace microgpt::bench
