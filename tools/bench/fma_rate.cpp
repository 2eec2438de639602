#include "fma_rate.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "kernels/simd.hpp"

namespace microgpt::bench {

double fma_rate() {
  using Clock = std::chrono::steady_clock;
  using Vector = kernels::Vector<float>;
  // Enough chains to hide the latency of each.
  constexpr int kChains = 12;
  constexpr int kRounds = 200'000;
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = Vector{} + static_cast<float>(i);
  const Vector factor = Vector{} + 0.999F;
  const auto start = Clock::now();
  for (int round = 0; round < kRounds; ++round) {
    kernels::unrolled<kChains>([&](auto i) __attribute__((always_inline)) {
      sums[i] = sums[i] * factor + factor;
    });
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (Vector& sum : sums) benchmark::DoNotOptimize(sum);
  return 2.0 * kChains * kRounds * static_cast<double>(kernels::kLanes<float>) / seconds;
}

double fma_rate_together(int threads) {
  constexpr int kLoops = 10;
  std::atomic<int> ready{0};
  std::vector<double> rates(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> team;
    for (double& rate : rates) {
      team.emplace_back([&rate, &ready, threads] {
        for (++ready; ready < threads;) std::this_thread::yield();
        for (int loop = 0; loop < kLoops; ++loop) rate += fma_rate() / kLoops;
      });
    }
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace microgpt::bench
