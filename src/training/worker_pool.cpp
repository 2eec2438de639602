#include "training/worker_pool.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>

#include <optional>
#include <utility>

namespace microgpt {
namespace {

// A waiting worker looks again this many times before it sleeps: some tens of microseconds, longer
// than the pauses between the phases of a small model. With more workers than cores a spinning
// worker would stand in the way of one that has work.
constexpr int kSpins = 2000;

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns the value of `watched` as soon as it is not `old`.
std::uint32_t wait_for_change(const std::atomic<std::uint32_t>& watched, std::uint32_t old,
                              int spins) {
  for (int i = 0; i < spins; ++i) {
    const std::uint32_t value = watched.load(std::memory_order_acquire);
    if (value != old) return value;
    pause_briefly();
  }
  watched.wait(old, std::memory_order_acquire);
  return watched.load(std::memory_order_acquire);
}

// Counts the tasks handed to oneTBB and done by it, which orders what the caller has written before
// what the task reads, and what the task has read before what the caller frees; but ThreadSanitizer
// sees that only here, since libtbb is built without it.
std::atomic<std::uint32_t> handed_over{0};

// oneTBB has one set of threads in a process, one less than cores unless it is told otherwise. A
// helper keeps its thread as long as its pool lives, so for pools that live at the same time there
// are to be as many threads as all their helpers.
std::mutex helpers_mutex;
int helpers_of_all_pools = 0;
std::optional<oneapi::tbb::global_control> more_than_cores;

void change_helpers_of_all_pools(int change) {
  const std::lock_guard lock(helpers_mutex);
  helpers_of_all_pools += change;
  more_than_cores.reset();
  if (helpers_of_all_pools < oneapi::tbb::info::default_concurrency()) return;
  more_than_cores.emplace(oneapi::tbb::global_control::max_allowed_parallelism,
                          static_cast<std::size_t>(helpers_of_all_pools) + 1);
}

// Of so many items, dealt out one by one to so many shares.
constexpr std::size_t items_of_share(std::size_t share, std::size_t items, std::size_t shares) {
  return share < shares ? (items + shares - 1 - share) / shares : 0;
}

constexpr std::uint64_t pack(std::uint32_t round, std::uint32_t items) {
  return (std::uint64_t{round} << 32U) | items;
}

}  // namespace

WorkerPool::WorkerPool(int threads)
    : workers_(threads),
      spins_(threads <= oneapi::tbb::info::default_concurrency() ? kSpins : 0),
      arena_(threads),
      shares_(static_cast<std::size_t>(threads)) {
  change_helpers_of_all_pools(workers_ - 1);
  for (int worker = 1; worker < workers_; ++worker) {
    auto task = helpers_.defer([this, worker] {
      (void)handed_over.load(std::memory_order_acquire);
      help(worker);
      handed_over.fetch_add(1, std::memory_order_release);
    });
    handed_over.fetch_add(1, std::memory_order_release);
    arena_.enqueue(std::move(task));
  }
}

WorkerPool::~WorkerPool() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  arena_.execute([this] { helpers_.wait(); });
  (void)handed_over.load(std::memory_order_acquire);
  change_helpers_of_all_pools(1 - workers_);
}

void WorkerPool::run_phase(std::size_t count, std::size_t shares, Phase phase) {
  if (count == 0) return;
  if (workers_ == 1) {
    for (std::size_t item = 0; item < count; ++item) phase.call(phase.context, item, 0);
    return;
  }
  const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  phase_ = phase;
  count_ = count;
  shares_in_use_ = shares;
  for (std::size_t share = 0; share < shares_.size(); ++share) {
    const auto items = static_cast<std::uint32_t>(items_of_share(share, count, shares));
    shares_[share].unfinished.store(items, std::memory_order_relaxed);
    shares_[share].open.store(pack(round, items), std::memory_order_release);
  }
  round_.store(round, std::memory_order_release);
  round_.notify_all();

  take_items(round, 0);
  for (const Share& share : shares_) {
    std::uint32_t left = share.unfinished.load(std::memory_order_acquire);
    while (left != 0) left = wait_for_change(share.unfinished, left, spins_);
  }
  take_exception();
}

void WorkerPool::help(int worker) {
  std::uint32_t round = 0;
  for (;;) {
    round = wait_for_change(round_, round, spins_);
    if (stopping_.load(std::memory_order_relaxed)) return;
    take_items(round, worker);
  }
}

void WorkerPool::take_items(std::uint32_t round, int worker) {
  for (int i = 0; i < workers_; ++i) take_from_share(round, (worker + i) % workers_, worker);
}

void WorkerPool::take_from_share(std::uint32_t round, int share, int worker) {
  auto& [open, unfinished] = shares_[static_cast<std::size_t>(share)];
  std::uint64_t seen = open.load(std::memory_order_acquire);
  for (;;) {
    const auto items = static_cast<std::uint32_t>(seen);
    if (seen >> 32U != round || items == 0) return;
    if (!open.compare_exchange_weak(seen, pack(round, items - 1), std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      continue;
    }
    // Shares are taken from their first item on.
    const auto first = static_cast<std::size_t>(share);
    const std::size_t in_share = items_of_share(first, count_, shares_in_use_);
    try {
      phase_.call(phase_.context, first + (in_share - items) * shares_in_use_, worker);
    } catch (...) {
      const std::lock_guard lock(exception_mutex_);
      if (!exception_) exception_ = std::current_exception();
    }
    if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_one();
    seen = open.load(std::memory_order_acquire);
  }
}

void WorkerPool::take_exception() {
  const std::lock_guard lock(exception_mutex_);
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
}

}  // namespace microgpt
