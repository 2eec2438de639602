// metrics.jsonl: one JSON object for each logged step, readable while the run goes on.
//
// After a resume the file reads as if there had been no interruption: lines that belong to steps
// behind the checkpoint are dropped, and later ones are appended.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/durable_file.hpp"
#include "microgpt/trainer.hpp"

namespace microgpt {

class MetricsFile {
 public:
  /// Writes `file` anew, a line for each of the reports in `past`. Times come from the lines of
  /// `former` (which may be `file` itself, or missing); where a line is lost, they are left out.
  /// Throws InputError where `former` cannot be read, and RunError where the file cannot be
  /// written.
  MetricsFile(std::filesystem::path file, const std::filesystem::path& former,
              const std::vector<StepReport>& past);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /// Takes note of every step; writes a line for a logged one. Lines reach the file with the first
  /// step that ends a tenth of a second after the last ones did. Throws RunError where they cannot
  /// be written.
  void add(const StepReport& report);

  /// Makes all lines durable.
  void sync();

 private:
  using Clock = std::chrono::steady_clock;

  void append(const StepReport& report, double seconds);
  void flush();

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string pending_;
  double seconds_before_ = 0;  // of training, before this process
  Clock::time_point start_;
  Clock::time_point last_flushed_;
  // Since the last logged step.
  std::int64_t positions_ = 0;
  double step_seconds_ = 0;
};

}  // namespace microgpt
