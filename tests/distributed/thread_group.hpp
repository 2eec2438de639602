// A group of processes that are threads of one: what MPI does, without MPI, for tests.
#pragma once

#include <barrier>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "microgpt/process_group.hpp"

namespace microgpt::test {

/// What the members share: each shows what it has, and copies from the others what it wants.
struct Meeting {
  explicit Meeting(int size) : barrier(size), shown(static_cast<std::size_t>(size)) {}

  std::barrier<> barrier;
  std::vector<const std::byte*> shown;
};

class ThreadGroup final : public ProcessGroup {
 public:
  ThreadGroup(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return static_cast<int>(meeting_.shown.size()); }
  [[nodiscard]] std::string host() const override { return "thread"; }
  [[nodiscard]] int on_this_host() const override { return size(); }
  [[nodiscard]] int on_these_cores() const override { return size(); }

  void all_gather(std::byte* data, Unit unit, std::span<const std::int64_t> bounds) override {
    show(data);
    for (int r = 0; r < size(); ++r) {
      if (r != rank_) copy(data, shown(r), unit, bounds, r);
    }
    meeting_.barrier.arrive_and_wait();
  }

  void gather(const std::byte* mine, std::byte* data, Unit unit,
              std::span<const std::int64_t> bounds) override {
    show(mine);
    for (int r = 1; rank_ == 0 && r < size(); ++r) {
      std::memcpy(data + begin(unit, bounds, r), shown(r), length(unit, bounds, r));
    }
    meeting_.barrier.arrive_and_wait();
  }

  void exchange(const std::byte* data, Unit unit, std::span<const std::int64_t> bounds,
                std::span<const char> senders, std::byte* received) override {
    show(data);
    const std::size_t part = length(unit, bounds, rank_);
    for (int r = 0; r < size(); ++r) {
      const auto place = static_cast<std::size_t>(r);
      if (senders[place] == 0) continue;
      std::memcpy(received + place * part, shown(r) + begin(unit, bounds, rank_), part);
    }
    meeting_.barrier.arrive_and_wait();
  }

  [[noreturn]] void abort(int exit_code) override { std::_Exit(exit_code); }

 private:
  static std::size_t begin(Unit unit, std::span<const std::int64_t> bounds, int rank) {
    return static_cast<std::size_t>(bounds[static_cast<std::size_t>(rank)]) *
           static_cast<std::size_t>(unit);
  }
  static std::size_t length(Unit unit, std::span<const std::int64_t> bounds, int rank) {
    return begin(unit, bounds, rank + 1) - begin(unit, bounds, rank);
  }
  static void copy(std::byte* to, const std::byte* from, Unit unit,
                   std::span<const std::int64_t> bounds, int rank) {
    const std::size_t first = begin(unit, bounds, rank);
    std::memcpy(to + first, from + first, length(unit, bounds, rank));
  }

  void show(const std::byte* data) {
    meeting_.shown[static_cast<std::size_t>(rank_)] = data;
    meeting_.barrier.arrive_and_wait();
  }
  [[nodiscard]] const std::byte* shown(int rank) const {
    return meeting_.shown[static_cast<std::size_t>(rank)];
  }

  Meeting& meeting_;
  int rank_;
};

/// Calls work(group) in `ranks` threads that are a group.
inline void in_group(int ranks, const std::function<void(ProcessGroup&)>& work) {
  Meeting meeting(ranks);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadGroup group(meeting, rank);
      work(group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace microgpt::test
