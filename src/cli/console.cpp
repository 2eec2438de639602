#include "cli/console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/printable.hpp"
#include "microgpt/error.hpp"

namespace microgpt::cli {
namespace {

constexpr std::chrono::milliseconds kRedrawEvery{100};

// (glibc tells of some failures on a terminal by the stream's flag alone.)
void require_output(bool arrived) {
  if (!arrived || std::ferror(stdout) != 0) {
    throw RunError(fmt::format("standard output cannot be written: {}", std::strerror(errno)));
  }
}

std::string duration(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// As much of a line as the terminal has columns for: the rest would wrap, and stay there when the
// line is drawn again.
std::string_view part_that_fits(std::string_view line) {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return line;
  return line.substr(0, size.ws_col);
}

}  // namespace

void print(std::string_view text) {
  require_output(std::fwrite(text.data(), 1, text.size(), stdout) == text.size());
}

void flush_output() { require_output(std::fflush(stdout) == 0); }

void flush_what_arrives() { std::fflush(stdout); }

void print_to_stderr(std::string_view line) {
  const std::string shown = printable(line) + '\n';
  std::fwrite(shown.data(), 1, shown.size(), stderr);
}

Console::Console(bool quiet, std::int64_t num_steps, std::int64_t first_step)
    : quiet_(quiet),
      live_(!quiet && ::isatty(STDERR_FILENO) == 1),
      num_steps_(num_steps),
      first_step_(first_step),
      start_(Clock::now()),
      drawn_(start_) {}

Console::~Console() { clear_live_line(); }

void Console::on_step(const StepReport& report) {
  positions_ += report.positions;
  if (report.logged && !quiet_) {
    clear_live_line();
    print(fmt::format("step {:4} / {:4} | loss {:.4f}\n", report.step, num_steps_, report.loss));
    if (report.val_loss) {
      print(fmt::format("eval {:4} / {:4} | val_loss {:.4f}\n", report.step, num_steps_,
                        *report.val_loss));
    }
  }
  const auto now = Clock::now();
  // The first line tells at once that it runs.
  if (report.step == first_step_ + 1 && !quiet_) flush_output();
  if (now - drawn_ < kRedrawEvery) return;
  if (!quiet_) flush_output();
  if (live_) draw_live_line(report, now);
  drawn_ = now;
  positions_ = 0;
}

void Console::draw_live_line(const StepReport& report, Clock::time_point now) {
  const auto seconds_since = [now](Clock::time_point then) {
    return std::chrono::duration<double>(now - then).count();
  };
  const auto done = static_cast<double>(report.step - first_step_);
  const auto left = static_cast<double>(num_steps_ - report.step);
  const std::string line =
      fmt::format("step {} / {} | loss {:.4f} | {:.0f} tokens/s | {} left", report.step, num_steps_,
                  report.loss, static_cast<double>(positions_) / seconds_since(drawn_),
                  duration(seconds_since(start_) / done * left));
  const std::string redrawn = fmt::format("\r\x1b[K{}", part_that_fits(line));
  std::fwrite(redrawn.data(), 1, redrawn.size(), stderr);
  line_is_drawn_ = true;
}

void Console::clear_live_line() {
  if (line_is_drawn_) std::fputs("\r\x1b[K", stderr);
  line_is_drawn_ = false;
}

}  // namespace microgpt::cli
