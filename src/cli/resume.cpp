#include "cli/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "base/file_error.hpp"
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

// Of num_steps and num_epochs only one is in force; `key` is either of them.
bool is_length(std::string_view key) { return key == "num_steps" || key == "num_epochs"; }

std::string_view length_key(const Config& config) {
  return config.num_epochs ? "num_epochs" : "num_steps";
}

// "learning_rate: 0.01 → 0.02", or nothing.
std::string change_of(std::string_view key, const Config& before, const Config& after) {
  std::string_view key_after = key;
  if (is_length(key)) {
    if (key != length_key(before)) return {};
    key_after = length_key(after);
  }
  const std::string old_value = config_value(before, key);
  const std::string new_value = config_value(after, key_after);
  if (key != key_after) {
    return fmt::format("{}: {} → {}: {}", key, old_value, key_after, new_value);
  }
  return old_value == new_value ? "" : fmt::format("{}: {} → {}", key, old_value, new_value);
}

// The length may only be changed to one that is not yet passed. As it was, it may be: the last
// batch of an epoch can go far beyond.
void require_length_ahead(const Config& config, const CheckpointInfo& checkpoint) {
  if (config.num_epochs == checkpoint.config.num_epochs &&
      config.num_steps == checkpoint.config.num_steps) {
    return;
  }
  const bool in_epochs = config.num_epochs.has_value();
  const std::int64_t wanted = in_epochs ? *config.num_epochs : config.num_steps;
  const std::int64_t done = in_epochs ? checkpoint.epoch : checkpoint.step;
  if (wanted >= done) return;
  throw InputError(fmt::format("--set {}={}: the checkpoint is of {} {}; give at least that",
                               length_key(config), wanted, in_epochs ? "epoch" : "step", done));
}

}  // namespace

ResumedConfig resumed_config(const CheckpointInfo& checkpoint, const std::filesystem::path& file,
                             const std::vector<std::string>& overrides, int workers) {
  ResumedConfig resumed;
  resumed.config.values = checkpoint.config;
  for (const KeyDescription& key : describe_keys()) {
    resumed.config.sources.emplace(key.name, file.filename().string());
  }
  for (const std::string& text : overrides) override_config(resumed.config, text);
  Config& config = resumed.config.values;
  if (!config.batch_size) config.batch_size = workers;
  validate_config(resumed.config);

  std::string refused;
  for (const KeyDescription& key : describe_keys()) {
    const std::string change = change_of(key.name, checkpoint.config, config);
    if (change.empty()) continue;
    if (is_fixed(key.name)) {
      refused += (refused.empty() ? "" : ", ") + change;
    } else {
      resumed.changes.push_back(change);
      resumed.trains_otherwise |= key.name != "dataset";
    }
  }
  if (!refused.empty()) {
    throw_about<InputError>(
        file, fmt::format("--set cannot change {} on a resume; start a new run for that", refused));
  }
  require_length_ahead(config, checkpoint);
  return resumed;
}

void require_dataset(const std::filesystem::path& dataset) {
  std::error_code unknown;
  if (std::filesystem::exists(dataset, unknown) || unknown) return;
  throw_about<InputError>(
      dataset,
      "the run's dataset is not there; where it has moved, name it with --set dataset=FILE");
}

void require_same_dataset(const CheckpointInfo& checkpoint, const std::filesystem::path& file,
                          const Dataset& dataset) {
  if (dataset.sha256() != checkpoint.dataset_sha256) {
    throw_about<InputError>(
        file, fmt::format("is not the dataset that the run began with: its sha256 was {}, now it "
                          "is {}; name the original with --set dataset=FILE",
                          checkpoint.dataset_sha256, dataset.sha256()));
  }
  // The same bytes give the same, unless a checkpoint was made to say otherwise.
  if (dataset.tokenizer().code_points() != checkpoint.code_points ||
      std::ssize(dataset.documents()) != checkpoint.documents) {
    throw_about<InputError>(
        file, "has other characters or documents than the checkpoint says; use another checkpoint");
  }
}

}  // namespace microgpt::cli
