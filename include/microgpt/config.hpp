// What a run is told: every key of a config file, with its default, and how a file and overrides
// become one checked Config.
//
// A config is a flat YAML map. One table of keys (src/config/key_table.cpp) drives parsing,
// validation, --help and the written-out config, so that they cannot disagree.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "microgpt/activation.hpp"

namespace microgpt {

enum class DocumentMode { lines, text };
enum class LrSchedule { cosine, linear, constant };
enum class Precision { float32, float64 };

/// The values of all keys. Members bear the keys' names.
struct Config {
  // Data. `dataset` is absolute, or empty where none has been given yet.
  std::filesystem::path dataset;
  DocumentMode documents = DocumentMode::lines;
  double validation_fraction = 0.0;

  // Shape of the model.
  std::int64_t n_layer = 1;
  std::int64_t n_embd = 16;
  std::int64_t n_head = 4;
  std::int64_t block_size = 8;
  Activation activation = Activation::relu_squared;
  double init_std = 0.02;
  bool zero_init_residual = true;

  // Length of training: `num_epochs`, where set, stands instead of `num_steps`.
  std::int64_t num_steps = 500;
  std::optional<std::int64_t> num_epochs;
  /// Documents per step; empty means `threads`: one for each worker.
  std::optional<std::int64_t> batch_size = 8;

  // Adam and its learning rate.
  double learning_rate = 0.01;
  LrSchedule lr_schedule = LrSchedule::cosine;
  std::int64_t warmup_steps = 0;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps_adam = 1e-8;
  double weight_decay = 0.0;
  double grad_clip = 0.0;

  std::int64_t seed = 42;
  Precision precision = Precision::float32;

  // What is reported and kept. Periods are counted in steps; empty means `auto` for log_every,
  // `epoch` for the other two.
  std::optional<std::int64_t> log_every;
  std::optional<std::int64_t> eval_every;
  std::optional<std::int64_t> checkpoint_every;
  std::int64_t keep_checkpoints = 0;
  std::int64_t early_stop_patience = 0;
  std::int64_t num_samples = 20;
  double temperature = 0.5;
};

/// A Config together with where each value came from: "default", "small.cfg:4", "--set".
struct SourcedConfig {
  Config values;
  std::map<std::string, std::string, std::less<>> sources;
};

/// What --help says of one key.
struct KeyDescription {
  std::string_view name;
  std::string default_value;
  std::string_view meaning;
};

/// All keys in the order in which they are documented and written.
[[nodiscard]] std::vector<KeyDescription> describe_keys();

/// Reads a config file. A relative `dataset` is taken relative to the file's folder.
/// Throws InputError, naming file, line and key, for a file that cannot be read, text that is not
/// a flat YAML map, an unknown key (with the nearest known one), a repeated key, a value of the
/// wrong type or out of range.
[[nodiscard]] SourcedConfig load_config(const std::filesystem::path& file);

/// The same for text at hand; `name` stands for the file in messages and sources, and a relative
/// `dataset` is taken relative to `folder`.
[[nodiscard]] SourcedConfig parse_config(std::string_view yaml, std::string_view name,
                                         const std::filesystem::path& folder);

/// Applies one `key=value` of the command line; a relative `dataset` is taken relative to the
/// current folder. Setting num_steps unsets num_epochs and the reverse.
/// Throws InputError that names the key, as load_config does.
void override_config(SourcedConfig& config, std::string_view key_equals_value);

/// Checks what no single key can: a dataset is given, n_head divides n_embd, and so on.
/// Throws InputError that names the keys, their sources and what to do.
void validate_config(const SourcedConfig& config);

/// The value of one key as it is written in YAML, for instance "0.01" or "epoch". A floating-point
/// number is written so that it reads back exactly. Throws std::out_of_range for an unknown key.
[[nodiscard]] std::string config_value(const Config& config, std::string_view key);

/// The whole config as YAML text that load_config reads back to the same values: every key in
/// order, of num_steps and num_epochs the one that is in force.
[[nodiscard]] std::string to_yaml(const Config& config);

/// The same, with a comment behind each value that says where it came from (--print-config).
[[nodiscard]] std::string to_annotated_yaml(const SourcedConfig& config);

}  // namespace microgpt
