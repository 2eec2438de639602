#include "run/run_recorder.hpp"

#include <algorithm>
#include <span>
#include <system_error>
#include <variant>

#include "base/durable_file.hpp"
#include "microgpt/error.hpp"
#include "training/run_progress.hpp"

namespace microgpt {
RunRecorder::RunRecorder(RunFolder& folder, const Trainer& trainer,
                         const std::filesystem::path& former_metrics)
    : folder_(folder), metrics_(folder.metrics_path(), former_metrics, trainer.past_reports()) {
  const std::string config = to_yaml(trainer.info().config);
  write_file_durably(folder_.config_path(), std::as_bytes(std::span(config)));
  former_best_ = best_beside(trainer.info().history);
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

// Of a run that goes on further than it was to, the former last evaluation is forgotten, but not
// the checkpoint that is the best so far for it.
std::optional<RunRecorder::Evaluation> RunRecorder::best_beside(
    const TrainingHistory& history) const {
  const auto step = folder_.best_step();
  if (!step || std::ranges::binary_search(history.val_steps, *step)) return std::nullopt;
  try {
    const TrainingHistory then = read_checkpoint(folder_.checkpoint_path(*step)).info.history;
    if (then.val_steps.empty() || then.val_steps.back() != *step) return std::nullopt;
    return Evaluation{.step = *step, .val_loss = then.val_losses.back()};
  } catch (const InputError&) {
    return std::nullopt;  // it serves nobody
  }
}

std::optional<std::int64_t> RunRecorder::best_step(const TrainingHistory& history) const {
  const auto best = best_evaluation(history);
  if (former_best_ && (!best || former_best_->val_loss < history.val_losses[*best])) {
    return former_best_->step;
  }
  if (!best) return std::nullopt;
  return history.val_steps[*best];
}

void RunRecorder::tidy(const CheckpointInfo& info) {
  const auto best = best_step(info.history);
  folder_.update_links(info.step, best);
  folder_.prune(info.config.keep_checkpoints, best);
}

}  // namespace microgpt
