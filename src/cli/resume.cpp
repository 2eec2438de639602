#include "cli/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "microgpt/error.hpp"

namespace microgpt::cli {
namespace {

// What the weights in the checkpoint, their training data and the random stream were made with.
constexpr std::array<std::string_view, 11> kFixedKeys{
    "documents", "validation_fraction", "n_layer", "n_embd",   "n_head", "block_size", "activation",
    "init_std",  "zero_init_residual",  "seed",    "precision"};

bool is_fixed(std::string_view key) {
  return std::ranges::find(kFixedKeys, key) != kFixedKeys.end();
}

}  // namespace

ResumedConfig resumed_config(const CheckpointInfo& checkpoint, const std::filesystem::path& file,
                             const std::vector<std::string>& overrides, int threads) {
  ResumedConfig resumed{.config = {.values = checkpoint.config, .sources = {}}, .changes = {}};
  for (const KeyDescription& key : describe_keys()) {
    resumed.config.sources.emplace(key.name, file.filename().string());
  }
  for (const std::string& text : overrides) override_config(resumed.config, text);
  Config& config = resumed.config.values;
  if (!config.batch_size) config.batch_size = threads;
  validate_config(resumed.config);

  std::string refused;
  for (const KeyDescription& key : describe_keys()) {
    const std::string before = config_value(checkpoint.config, key.name);
    const std::string after = config_value(config, key.name);
    if (before == after) continue;
    const std::string change = fmt::format("{}: {} → {}", key.name, before, after);
    if (is_fixed(key.name)) {
      refused += (refused.empty() ? "" : ", ") + change;
    } else {
      resumed.changes.push_back(change);
    }
  }
  if (!refused.empty()) {
    throw InputError(fmt::format("{}: --set cannot change {} on a resume; start a new run for that",
                                 file.string(), refused));
  }
  if (!config.num_epochs && config.num_steps < checkpoint.step) {
    throw InputError(fmt::format("--set num_steps={}: the checkpoint has {} steps behind it",
                                 config.num_steps, checkpoint.step));
  }
  return resumed;
}

void require_same_dataset(const CheckpointInfo& checkpoint, const std::filesystem::path& dataset,
                          const std::string& sha256) {
  if (sha256 == checkpoint.dataset_sha256) return;
  throw InputError(fmt::format(
      "{}: is not the dataset that the run began with: its sha256 was {}, now it is {}; name the "
      "original with --set dataset=FILE",
      dataset.string(), checkpoint.dataset_sha256, sha256));
}

}  // namespace microgpt::cli
