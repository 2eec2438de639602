#include "cli/signals.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

namespace microgpt::cli {
namespace {

constexpr std::int64_t kSameRequest = 1'000'000'000;  // nanoseconds

std::atomic<int> received{0};
std::atomic<std::int64_t> received_at{0};  // by a clock that only goes on; 0 until it is noted
static_assert(std::atomic<int>::is_always_lock_free &&
                  std::atomic<std::int64_t>::is_always_lock_free,
              "a signal handler may touch nothing else");

std::int64_t nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Whether the request is the first one.
bool note(int signal) {
  int none = 0;
  if (!received.compare_exchange_strong(none, signal)) return false;
  received_at.store(nanoseconds());
  return true;
}

extern "C" void on_signal(int signal) {
  if (note(signal)) return;
  const std::int64_t first = received_at.load();
  if (first != 0 && nanoseconds() - first >= kSameRequest) ::_exit(128 + signal);
}

}  // namespace

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction former = {};
  sigaction(SIGHUP, nullptr, &former);
  if (former.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

void request_stop(int signal) { note(signal); }

const std::atomic<int>& stop_signal() { return received; }

std::string signal_name(int signal) {
  if (signal == SIGHUP) return "SIGHUP";
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

}  // namespace microgpt::cli
