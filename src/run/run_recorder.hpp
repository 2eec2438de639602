// Keeps a run's folder while it trains: metrics, checkpoints, links, rotation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "microgpt/trainer.hpp"
#include "run/metrics_file.hpp"
#include "run/run_folder.hpp"

namespace microgpt {

class RunRecorder final : public TrainingObserver {
 public:
  /// `former_folder`: where the run's past is, often `folder` itself. Writes config.cfg, and
  /// metrics.jsonl with the lines from there that belong to the run's past. `folder` outlives the
  /// recorder. Throws RunError where a file cannot be written.
  RunRecorder(RunFolder& folder, const Trainer& trainer,
              const std::filesystem::path& former_folder);

  void on_step(const StepReport& report) override;

  /// metrics.jsonl is durable before the checkpoint is, and the checkpoint before a link names it
  /// or an older one goes.
  void on_checkpoint(const CheckpointInfo& info, const AnyModelState& state) override;

  /// Leaves the folder as it should be at the trainer's step where no step is left to do so. A
  /// finished run that goes on in a new folder has no checkpoint there; one that was killed behind
  /// its last checkpoint has neither its links nor its rotation.
  void ensure_checkpoint(const Trainer& trainer);

 private:
  struct Evaluation {
    std::int64_t step;
    double val_loss;
  };

  /// Links and rotation, once the checkpoint of this step is there.
  void tidy(const CheckpointInfo& info);
  void bring_along(std::int64_t step, const CheckpointInfo& info);
  [[nodiscard]] std::optional<Checkpoint> former_checkpoint(std::int64_t evaluated_at,
                                                            const CheckpointInfo& info) const;
  [[nodiscard]] std::optional<Evaluation> best_beside(const CheckpointInfo& info) const;
  [[nodiscard]] std::optional<std::int64_t> best_step(const TrainingHistory& history) const;

  RunFolder& folder_;
  std::filesystem::path former_folder_;
  MetricsFile metrics_;
  std::optional<Evaluation> former_best_;  // that the run's history does not know of
};

}  // namespace microgpt
