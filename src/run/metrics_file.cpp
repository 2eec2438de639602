#include "run/metrics_file.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/durable_file.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kFlushEvery{100};

// The well-formed lines of a former file, by step; a line that a crash has cut off is left out.
std::map<std::int64_t, Json> read_lines(const std::filesystem::path& file) {
  std::map<std::int64_t, Json> lines;
  std::ifstream stream(file);
  for (std::string text; std::getline(stream, text);) {
    Json line = Json::parse(text, nullptr, false);
    if (!line.is_object()) continue;
    const auto step = line.find("step");
    if (step == line.end() || !step->is_number_integer()) continue;
    const auto number = step->get<std::int64_t>();
    lines[number] = std::move(line);
  }
  return lines;
}

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
  const std::map<std::int64_t, Json> former_lines = read_lines(former);
  std::string text;
  for (const StepReport& report : past) {
    // A line that is there says what was so at that time; only its evaluation may be undone.
    const auto kept = former_lines.find(report.step);
    Json line = kept != former_lines.end() ? kept->second : line_of(report);
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
  if (!report.logged) return;
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  Json line = line_of(report);
  line["tokens_per_second"] = static_cast<double>(positions_) / std::max(step_seconds_, 1e-9);
  line["seconds"] = seconds_before_ + seconds;
  if (report.val_loss) line["val_loss"] = *report.val_loss;
  pending_ += line.dump() + '\n';
  positions_ = 0;
  step_seconds_ = 0;
  if (now - last_flushed_ >= kFlushEvery) flush();
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
