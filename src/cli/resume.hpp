// What a resumed run is told: the checkpoint's config, with what --set may change.
#pragma once

#include <string>
#include <vector>

#include "microgpt/checkpoint.hpp"
#include "microgpt/config.hpp"
#include "microgpt/dataset.hpp"

namespace microgpt::cli {

struct ResumedConfig {
  SourcedConfig config;
  std::vector<std::string> changes;  ///< one line for each changed key: "key: old → new"
  bool trains_otherwise = false;     ///< one of them is more than a dataset that has moved
};

/// Applies `overrides` (key=value) to the config of `checkpoint`. `workers`, the threads of all
/// processes, are the batch_size of a config without one.
/// Throws InputError that lists old and new where one would change the shape, the data or what only
/// the first step could use, and where num_steps ends before the steps already done.
[[nodiscard]] ResumedConfig resumed_config(const CheckpointInfo& checkpoint,
                                           const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides, int workers);

/// Throws InputError where the run's dataset is not at its place any more.
void require_dataset(const std::filesystem::path& dataset);

/// Throws InputError where the dataset at hand is not the one that the run began with.
void require_same_dataset(const CheckpointInfo& checkpoint, const std::filesystem::path& file,
                          const Dataset& dataset);

}  // namespace microgpt::cli
