#include "run/metrics_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "base/durable_file.hpp"
#include "base/file_error.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kFlushEvery{100};

// The lines of a former file, whose steps rise, one at a time; a line that a crash has cut off is
// left out.
class FormerLines {
 public:
  explicit FormerLines(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) return;
    stream_.open(file);
    if (stream_) return;
    throw_about<InputError>(
        file, fmt::format("cannot be read: {}; the run's past is in it", system_reason(errno)));
  }

  // The line of a step later than those asked for before; nothing where there is none.
  std::optional<Json> line_of(std::int64_t step) {
    while (step_ < step && read_next()) continue;
    if (step_ != step) return std::nullopt;
    return std::move(line_);
  }

 private:
  bool read_next() {
    for (std::string text; std::getline(stream_, text);) {
      line_ = Json::parse(text, nullptr, false);
      if (!line_.is_object()) continue;
      const auto step = line_.find("step");
      if (step == line_.end() || !step->is_number_integer()) continue;
      step_ = step->get<std::int64_t>();
      return true;
    }
    return false;
  }

  std::ifstream stream_;
  std::int64_t step_ = 0;
  Json line_;
};

// A report without its times.
Json line_of(const StepReport& report) {
  return {{"step", report.step},
          {"epoch", report.epoch},
          {"loss", report.loss},
          {"lr", report.learning_rate}};
}

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path file, const std::filesystem::path& former,
                         const std::vector<StepReport>& past)
    : path_(std::move(file)), file_(-1) {
  FormerLines former_lines(former);
  std::string text;
  for (const StepReport& report : past) {
    // A line that is there says what was so at that time; only its evaluation may be undone.
    auto kept = former_lines.line_of(report.step);
    Json line = kept ? std::move(*kept) : line_of(report);
    line.erase("val_loss");
    if (report.val_loss) line["val_loss"] = *report.val_loss;
    text += line.dump() + '\n';
    const auto seconds = line.find("seconds");
    if (seconds != line.end() && seconds->is_number()) seconds_before_ = seconds->get<double>();
  }
  write_file_durably(path_, std::as_bytes(std::span(text)));
  file_ = open_to_append(path_);
  start_ = last_flushed_ = Clock::now();
}

MetricsFile::~MetricsFile() {
  try {
    flush();
  } catch (const RunError&) {
    // The reports are lost with the run that failed; nobody is left to tell.
  }
}

void MetricsFile::add(const StepReport& report) {
  positions_ += report.positions;
  step_seconds_ += report.seconds;
  if (!report.logged && pending_.empty()) return;
  const auto now = Clock::now();
  if (report.logged) append(report, std::chrono::duration<double>(now - start_).count());
  if (now - last_flushed_ >= kFlushEvery) flush();
}

void MetricsFile::append(const StepReport& report, double seconds) {
  Json line = line_of(report);
  line["tokens_per_second"] = static_cast<double>(positions_) / std::max(step_seconds_, 1e-9);
  line["seconds"] = seconds_before_ + seconds;
  if (report.val_loss) line["val_loss"] = *report.val_loss;
  pending_ += line.dump() + '\n';
  positions_ = 0;
  step_seconds_ = 0;
}

void MetricsFile::sync() {
  flush();
  sync_file(file_, path_);
}

// Lines that could not be written are lost with the run: half of one may be in the file, which a
// second attempt would not mend.
void MetricsFile::flush() {
  const std::string lines = std::exchange(pending_, {});
  append_all(file_, std::as_bytes(std::span(lines)), path_);
  last_flushed_ = Clock::now();
}

}  // namespace microgpt
