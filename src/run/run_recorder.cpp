#include "run/run_recorder.hpp"

#include <span>
#include <system_error>
#include <variant>

#include "base/durable_file.hpp"
#include "training/run_progress.hpp"

namespace microgpt {
namespace {

std::optional<std::int64_t> best_step(const TrainingHistory& history) {
  const auto best = best_evaluation(history);
  if (!best) return std::nullopt;
  return history.val_steps[*best];
}

}  // namespace

RunRecorder::RunRecorder(RunFolder& folder, const Trainer& trainer,
                         const std::filesystem::path& former_metrics)
    : folder_(folder), metrics_(folder.metrics_path(), former_metrics, trainer.past_reports()) {
  const std::string config = to_yaml(trainer.info().config);
  write_file_durably(folder_.config_path(), std::as_bytes(std::span(config)));
}

void RunRecorder::on_step(const StepReport& report) { metrics_.add(report); }

void RunRecorder::on_checkpoint(const CheckpointInfo& info, const AnyModelState& state) {
  metrics_.sync();
  const auto path = folder_.checkpoint_path(info.step);
  std::visit([&](const auto& model) { write_checkpoint(path, info, model); }, state);
  tidy(info);
}

void RunRecorder::ensure_checkpoint(const Trainer& trainer) {
  const CheckpointInfo info = trainer.info();
  std::error_code unknown;  // then it is written, and says why it cannot be
  if (std::filesystem::exists(folder_.checkpoint_path(info.step), unknown)) {
    tidy(info);
  } else {
    on_checkpoint(info, trainer.state());
  }
}

void RunRecorder::tidy(const CheckpointInfo& info) {
  const auto best = best_step(info.history);
  folder_.update_links(info.step, best);
  folder_.prune(info.config.keep_checkpoints, best);
}

}  // namespace microgpt
