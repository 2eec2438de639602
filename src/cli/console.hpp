// What a person sees of a training run: result lines on stdout, as the tutorial prints them, and on
// a terminal a live line on stderr with step, loss, tokens/s and the time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "microgpt/trainer.hpp"

namespace microgpt::cli {

/// Prints to stdout. Throws RunError where stdout does not take it (a full disk, a closed pipe).
void print(std::string_view text);
/// Throws RunError where something printed before has not arrived.
void flush_output();
/// The same where nobody may be left to read it, and something else is to be told.
void flush_what_arrives();

/// Prints a line to stderr, whatever names it quotes (see base/printable.hpp), as far as that takes
/// it: nobody is left to tell where it does not.
void print_to_stderr(std::string_view line);

class Console {
 public:
  /// `num_steps`: of the whole run; `first_step`: done before this process began.
  Console(bool quiet, std::int64_t num_steps, std::int64_t first_step);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void on_step(const StepReport& report);
  /// Takes the live line away.
  void clear_live_line();

 private:
  using Clock = std::chrono::steady_clock;

  void draw_live_line(const StepReport& report, Clock::time_point now);

  bool quiet_;
  bool live_;
  bool line_is_drawn_ = false;
  std::int64_t num_steps_;
  std::int64_t first_step_;
  std::int64_t positions_ = 0;  // since the line was drawn last
  Clock::time_point start_;
  Clock::time_point drawn_;
};

}  // namespace microgpt::cli
