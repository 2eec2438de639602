// SIGINT, SIGTERM and SIGHUP: the first one asks the run to end after its step; one that comes a
// second later or more ends the process. What comes sooner is the same request once more: a
// terminal and a launcher, or `timeout`, often send it twice.
#pragma once

#include <atomic>
#include <string>

namespace microgpt::cli {

/// From now on the first signal sets the flag to its number. SIGHUP stays ignored where it is, as
/// under nohup.
void catch_stop_signals();

/// As if `signal` had come, where none has yet.
void request_stop(int signal);

/// 0, or the signal that has come.
[[nodiscard]] const std::atomic<int>& stop_signal();

/// "SIGINT", "SIGTERM" or "SIGHUP".
[[nodiscard]] std::string signal_name(int signal);

}  // namespace microgpt::cli
