// A team of oneTBB workers that stays awake between the short pieces of a training step.
//
// A step has a few phases of some microseconds each. Starting a parallel loop for each of them
// would cost as much as the work, so each worker is one long task in an arena of the wanted size:
// it waits for a phase, takes items from it until none is left, and waits again, first spinning,
// then asleep. The caller is a worker, too, and never waits for one that has not taken an item: a
// phase ends whether or not oneTBB could give all threads.
//
// Every worker has a share of a phase's items, the same ones in each phase of so many items, which
// its cache therefore knows; when it is done with its own, it takes from the shares of others.
//
// Pools may live at the same time: oneTBB is asked for the threads of all of them.
#pragma once

#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <vector>

#include "microgpt/aligned_buffer.hpp"

namespace microgpt {

// Padding keeps what different workers write on different cache lines.
class WorkerPool {  // NOLINT(clang-analyzer-optin.performance.Padding)
 public:
  /// The caller and threads - 1 helpers; threads >= 1.
  explicit WorkerPool(int threads);
  ~WorkerPool() noexcept;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] int workers() const { return workers_; }

  /// Calls work(item, worker) for each item 0 .. count - 1, in any order, on any worker
  /// (0 .. workers() - 1), and returns when all are done. Allocates nothing. Where calls throw, one
  /// of the exceptions is thrown here, after the others have ended. count < 2^32.
  template <class Work>
  void run(std::size_t count, const Work& work) {
    run_phase(count, shares_.size(), phase_of(work));
  }

  /// The same, but no item is taken before all lower ones are.
  template <class Work>
  void run_in_order(std::size_t count, const Work& work) {
    run_phase(count, 1, phase_of(work));
  }

 private:
  // A function and what it is called with; owns nothing.
  struct Phase {
    const void* context = nullptr;
    void (*call)(const void* context, std::size_t item, int worker) = nullptr;
  };

  template <class Work>
  static Phase phase_of(const Work& work) {
    return {&work, [](const void* context, std::size_t item, int worker) {
              (*static_cast<const Work*>(context))(item, worker);
            }};
  }

  void run_phase(std::size_t count, std::size_t shares, Phase phase);
  void help(int worker);
  void take_items(std::uint32_t round, int worker);
  void take_from_share(std::uint32_t round, int share, int worker);
  void take_exception();

  const int workers_;
  const int spins_;
  oneapi::tbb::task_arena arena_;
  oneapi::tbb::task_group helpers_;

  // Written by the caller before it opens a round, read by workers that hold an item of that round.
  Phase phase_;
  std::size_t count_ = 0;
  std::size_t shares_in_use_ = 1;

  // Items s, s + shares in use, s + 2 · shares in use, … are share s. In `open` the round is in the
  // upper half, items not yet taken in the lower: a worker that is late can take nothing from a
  // round that it has not seen. Each share counts its own items, in the line that whoever takes
  // them has anyway: one count for all would go from core to core.
  struct alignas(line_memory::kCacheLine) Share {
    std::atomic<std::uint64_t> open{0};
    std::atomic<std::uint32_t> unfinished{0};
  };
  std::vector<Share> shares_;

  std::mutex exception_mutex_;
  std::exception_ptr exception_;

  std::atomic<bool> stopping_{false};
  alignas(line_memory::kCacheLine) std::atomic<std::uint32_t> round_{0};
};

}  // namespace microgpt
