#include "run/run_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace microgpt::run_files {

namespace fs = std::filesystem;

std::string checkpoint_name(std::int64_t step) { return fmt::format("step-{:08}.h5", step); }

std::optional<std::int64_t> step_of(const std::string& name) {
  constexpr std::string_view kPrefix = "step-";
  std::int64_t step = 0;
  if (!name.starts_with(kPrefix)) return {};
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step);
  // The one way to write the step: eight digits, or more where they are needed.
  if (step < 0 || name != checkpoint_name(step)) return {};
  return step;
}

std::vector<std::string> names_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::string> names;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

std::vector<std::int64_t> steps_in(const fs::path& folder, std::error_code& error) {
  std::vector<std::int64_t> steps;
  for (const std::string& name : names_in(folder, error)) {
    std::error_code gone;
    const auto step = step_of(name);
    if (step && fs::is_regular_file(folder / name, gone)) steps.push_back(*step);
  }
  std::ranges::sort(steps);
  return steps;
}

std::optional<std::int64_t> step_behind(const fs::path& link) {
  std::error_code error;
  return step_of(fs::read_symlink(link, error).filename().string());
}

bool is_leftover(const std::string& name) {
  constexpr std::string_view kSuffix = ".tmp";
  if (name == kProbe) return true;
  if (!name.ends_with(kSuffix)) return false;
  const std::string whole = name.substr(0, name.size() - kSuffix.size());
  return step_of(whole) || whole == kConfig || whole == kMetrics || whole == kLatest ||
         whole == kBest || whole == kProbe;
}

}  // namespace microgpt::run_files
