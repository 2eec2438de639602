// SIGINT and SIGTERM: the first one asks the run to end after its step, the second ends the
// process.
#pragma once

#include <atomic>
#include <string>

namespace microgpt::cli {

/// From now on the first signal sets the flag to its number.
void catch_stop_signals();

/// 0, or the signal that has come.
[[nodiscard]] const std::atomic<int>& stop_signal();

/// "SIGINT" or "SIGTERM".
[[nodiscard]] std::string signal_name(int signal);

}  // namespace microgpt::cli
