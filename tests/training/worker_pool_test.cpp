// The pool does every item once, on workers that it has, in order where that is wanted, and passes
// exceptions on.
#include "training/worker_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace microgpt {
namespace {

class WorkerPoolTest : public testing::TestWithParam<int> {};

TEST_P(WorkerPoolTest, DoesEachItemOnceInManyRounds) {
  WorkerPool pool(GetParam());
  for (std::size_t count : {0U, 1U, 2U, 7U, 64U, 1000U}) {
    for (int round = 0; round < 50; ++round) {
      std::vector<std::atomic<int>> done(count);
      pool.run(count, [&](std::size_t item, int) { done[item].fetch_add(1); });
      for (const auto& times : done) ASSERT_EQ(times.load(), 1);
    }
  }
}

TEST_P(WorkerPoolTest, NumbersWorkersFromZeroAndNeverSharesANumber) {
  WorkerPool pool(GetParam());
  std::vector<std::atomic<int>> inside(static_cast<std::size_t>(pool.workers()));
  std::atomic<bool> shared{false};
  pool.run(2000, [&](std::size_t, int worker) {
    auto& mine = inside.at(static_cast<std::size_t>(worker));
    if (mine.fetch_add(1) != 0) shared = true;
    std::this_thread::yield();
    mine.fetch_sub(1);
  });
  EXPECT_FALSE(shared.load());
}

TEST_P(WorkerPoolTest, ThrowsOneOfTheExceptionsAfterTheOthersHaveEnded) {
  WorkerPool pool(GetParam());
  std::atomic<int> ended{0};
  EXPECT_THROW(pool.run(100,
                        [&](std::size_t item, int) {
                          ended.fetch_add(1);
                          if (item % 10 == 3) throw std::runtime_error("item");
                        }),
               std::runtime_error);
  if (GetParam() > 1) {
    EXPECT_EQ(ended.load(), 100);
  }
  pool.run(10, [&](std::size_t, int) { ended.fetch_add(1); });
  EXPECT_GE(ended.load(), 10);
}

TEST_P(WorkerPoolTest, WakesWorkersThatHaveGoneToSleep) {
  WorkerPool pool(GetParam());
  std::atomic<int> done{0};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.run(16, [&](std::size_t, int) { done.fetch_add(1); });
  }
  EXPECT_EQ(done.load(), 48);
}

TEST_P(WorkerPoolTest, DoesEachItemOnceInOrderToo) {
  WorkerPool pool(GetParam());
  for (std::size_t count : {0U, 1U, 2U, 7U, 64U, 1000U}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::atomic<int>> done(count);
      pool.run_in_order(count, [&](std::size_t item, int) { done[item].fetch_add(1); });
      for (const auto& times : done) ASSERT_EQ(times.load(), 1);
      pool.run(count, [&](std::size_t item, int) { done[item].fetch_add(1); });
      for (const auto& times : done) ASSERT_EQ(times.load(), 2);
    }
  }
}

// Of the items before one that begins, each other worker may have taken one a moment ago that it is
// about to begin; all others have begun, however long the first one takes.
TEST_P(WorkerPoolTest, TakesItemsInOrderWhereThatIsWanted) {
  WorkerPool pool(GetParam());
  const auto workers = static_cast<std::size_t>(pool.workers());
  std::mutex mutex;
  std::size_t begun = 0;
  std::size_t furthest_ahead = 0;
  std::vector<std::vector<std::size_t>> items(workers);
  pool.run_in_order(500, [&](std::size_t item, int worker) {
    {
      const std::lock_guard lock(mutex);
      if (item > begun) furthest_ahead = std::max(furthest_ahead, item - begun);
      ++begun;
      items.at(static_cast<std::size_t>(worker)).push_back(item);
    }
    if (item == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (item % 3 == 0) std::this_thread::yield();
  });
  EXPECT_EQ(begun, 500U);
  EXPECT_LT(furthest_ahead, workers);
  for (const auto& of_worker : items) EXPECT_TRUE(std::ranges::is_sorted(of_worker));
}

TEST_P(WorkerPoolTest, ThrowsExceptionsOfItemsInOrder) {
  WorkerPool pool(GetParam());
  std::atomic<int> ended{0};
  const auto work = [&](std::size_t item, int) {
    ended.fetch_add(1);
    if (item == 41) throw std::runtime_error("item");
  };
  EXPECT_THROW(pool.run_in_order(100, work), std::runtime_error);
  EXPECT_EQ(ended.exchange(0), GetParam() > 1 ? 100 : 42);
  pool.run_in_order(41, work);
  EXPECT_EQ(ended.load(), 41);
}

// Whether all workers of a pool are in an item at the same time, within a minute.
bool all_work_at_once(WorkerPool& pool) {
  const auto workers = static_cast<std::size_t>(pool.workers());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::atomic<std::size_t> begun{0};
  pool.run(workers, [&](std::size_t, int) {
    ++begun;
    while (begun < workers && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
  });
  return begun == workers && std::chrono::steady_clock::now() < deadline;
}

TEST_P(WorkerPoolTest, HasAllItsWorkersWhileOtherPoolsHaveTheirs) {
  WorkerPool pool(GetParam());
  EXPECT_TRUE(all_work_at_once(pool));
  {
    WorkerPool second(GetParam());
    WorkerPool third(2 * GetParam());
    EXPECT_TRUE(all_work_at_once(second));
    EXPECT_TRUE(all_work_at_once(third));
    EXPECT_TRUE(all_work_at_once(pool));
  }
  WorkerPool after_others(GetParam());
  EXPECT_TRUE(all_work_at_once(after_others));
  EXPECT_TRUE(all_work_at_once(pool));
}

INSTANTIATE_TEST_SUITE_P(Threads, WorkerPoolTest, testing::Values(1, 2, 3, 4, 8, 64));

TEST(WorkerPoolLifetimeTest, StartsAndEndsWithoutWork) {
  for (int i = 0; i < 100; ++i) WorkerPool pool(4);
}

}  // namespace
}  // namespace microgpt
