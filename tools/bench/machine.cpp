#include "machine.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

#include "clock.hpp"
#include "kernels/simd.hpp"
#include "microgpt/aligned_buffer.hpp"
#include "training/worker_pool.hpp"

namespace microgpt::bench {
namespace {

// Enough chains to hide the latency of each.
constexpr int kChains = 12;
constexpr int kRounds = 200'000;
constexpr double kOperations =
    2.0 * kChains * kRounds * static_cast<double>(kernels::kLanes<float>);

enum class Beside { nothing, loads };

// Half a millisecond or so of kOperations, and half a load for each multiply-add if wanted.
template <Beside beside>
void multiply_and_add() {
  using Vector = kernels::Vector<float>;
  Vector sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = kernels::broadcast(static_cast<float>(i));
  const Vector factor = kernels::broadcast(0.999F);
  const volatile int number = 0;
  for (int round = 0; round < kRounds; ++round) {
    kernels::unrolled<kChains>([&](auto i) __attribute__((always_inline)) {
      sums[i] = kernels::fma<float>(sums[i], factor, factor);
      if constexpr (beside == Beside::loads && i % 2 == 0) {
        [[maybe_unused]] const int read = number;
      }
    });
  }
  for (Vector& sum : sums) benchmark::DoNotOptimize(sum);
}

template <Beside beside>
double rate() {
  const auto start = Clock::now();
  multiply_and_add<beside>();
  return kOperations / seconds_since(start);
}

// Calls work(thread) on so many threads at once, the caller's among them. Returns when they began.
template <class Work>
Clock::time_point run_together(int threads, const Work& work) {
  Clock::time_point start;
  std::barrier ready(threads, [&]() noexcept { start = Clock::now(); });
  const auto begin = [&](int thread) {
    ready.arrive_and_wait();
    work(thread);
  };
  std::vector<std::jthread> others;
  others.reserve(static_cast<std::size_t>(threads) - 1);
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(begin, thread);
  begin(0);
  for (std::jthread& other : others) other.join();
  return start;
}

}  // namespace

double fma_rate() { return rate<Beside::nothing>(); }

double fma_rate_together(int threads) {
  constexpr double kSeconds = 0.01;
  std::atomic<std::int64_t> loops{0};
  const auto start = run_together(threads, [&](int /*thread*/) {
    for (const auto begun = Clock::now(); seconds_since(begun) < kSeconds; ++loops) {
      multiply_and_add<Beside::nothing>();
    }
  });
  return kOperations * static_cast<double>(loops) / seconds_since(start);
}

double room_beside_multiply_adds(int threads) {
  std::vector<double> kept(static_cast<std::size_t>(threads));
  run_together(threads, [&](int thread) {
    const double before = rate<Beside::nothing>();
    const double with_loads = rate<Beside::loads>();
    const double after = rate<Beside::nothing>();
    kept[static_cast<std::size_t>(thread)] = 2 * with_loads / (before + after);
  });
  return *std::ranges::min_element(kept);
}

double line_from_another_core() {
  constexpr std::size_t kLines = 4096;  // fewer than a second-level cache holds
  constexpr std::size_t kStride = line_memory::kCacheLine / sizeof(float);
  constexpr int kPasses = 9;
  AlignedBuffer<float> lines(kLines * kStride);
  std::atomic<int> turn{0};  // even: to write, odd: to read
  std::vector<double> seconds;
  run_together(2, [&](int thread) {
    for (int pass = 0; pass < kPasses; ++pass) {
      while (turn.load() != 2 * pass + thread) {
      }
      const auto start = Clock::now();
      float sum = 0;
      for (float* line = lines.data(); line < lines.data() + lines.size(); line += kStride) {
        if (thread == 0) {
          *line = static_cast<float>(pass);
        } else {
          sum += *line;
        }
      }
      benchmark::DoNotOptimize(sum);
      if (thread == 1) seconds.push_back(seconds_since(start) / static_cast<double>(kLines));
      ++turn;
    }
  });
  std::ranges::nth_element(seconds, seconds.begin() + kPasses / 2);
  return seconds[kPasses / 2];
}

double handing_over(int threads) {
  constexpr int kPhases = 2000;
  // Long enough that nobody has done another's share before that one has seen the phase.
  constexpr double kWork = 5e-6;
  const auto work = [](std::size_t /*item*/, int /*worker*/) {
    for (const auto start = Clock::now(); seconds_since(start) < kWork;) {
    }
  };
  const auto seconds_per_phase = [&](WorkerPool& pool) {
    const auto start = Clock::now();
    for (int i = 0; i < kPhases; ++i) pool.run(static_cast<std::size_t>(pool.workers()), work);
    return seconds_since(start) / kPhases;
  };
  WorkerPool one(1);
  WorkerPool all(threads);
  (void)seconds_per_phase(all);
  return seconds_per_phase(all) - seconds_per_phase(one);
}

}  // namespace microgpt::bench
