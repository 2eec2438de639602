// A training run from its first step to its exit code, once everything stands: what each process
// does, what is recorded and printed.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/commands.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/process_group.hpp"
#include "microgpt/trainer.hpp"
#include "run/run_folder.hpp"

namespace microgpt::cli {

/// What all of the run needs to know: what the user asked for, and who works on it.
struct Setting {
  const TrainOptions& options;
  ProcessGroup& group;
  int threads;  ///< of this process

  [[nodiscard]] bool is_first() const { return group.rank() == 0; }
  [[nodiscard]] bool talks() const { return is_first() && !options.quiet; }
};

/// Trains to the end or to a signal, and returns the exit code. `folder` is the first process's;
/// the others have none. `former_folder`: where the run's past is. Collective.
int run_training(const Setting& setting, Trainer& trainer, const Dataset& dataset,
                 std::optional<RunFolder>& folder, const std::filesystem::path& former_folder);

}  // namespace microgpt::cli
