#include "run/run_recorder.hpp"

#include <algorithm>
#include <span>
#include <system_error>
#include <variant>
#include <vector>

#include "base/durable_file.hpp"
#include "microgpt/error.hpp"
#include "run/run_files.hpp"
#include "training/run_progress.hpp"

namespace microgpt {

namespace fs = std::filesystem;

namespace {

// Whether a run that has come to `now` may have passed through `then`, to judge by what it has
// evaluated. It may have forgotten the last of that.
bool leads_to(const CheckpointInfo& then, const CheckpointInfo& now) {
  if (then.dataset_sha256 != now.dataset_sha256) return false;
  const std::vector<std::int64_t>& steps = now.history.val_steps;
  for (std::size_t i = 0; i < then.history.val_steps.size(); ++i) {
    const auto at = std::ranges::lower_bound(steps, then.history.val_steps[i]);
    if (at == steps.end() || *at != then.history.val_steps[i]) {
      if (i + 1 < then.history.val_steps.size()) return false;
    } else if (now.history.val_losses[static_cast<std::size_t>(at - steps.begin())] !=
               then.history.val_losses[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

RunRecorder::RunRecorder(RunFolder& folder, const Trainer& trainer, const fs::path& former_folder)
    : folder_(folder),
      former_folder_(former_folder),
      metrics_(folder.metrics_path(), former_folder / run_files::kMetrics, trainer.past_reports()) {
  const CheckpointInfo info = trainer.info();
  const std::string config = to_yaml(info.config);
  write_file_durably(folder_.config_path(), std::as_bytes(std::span(config)));
  former_best_ = best_beside(info);
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
  if (fs::exists(folder_.checkpoint_path(info.step), unknown)) {
    tidy(info);
  } else {
    on_checkpoint(info, trainer.state());
  }
}

// The former folder's checkpoint of a step at which the run has evaluated. (It may be another
// run's, where that of this one was only put there.)
std::optional<Checkpoint> RunRecorder::former_checkpoint(std::int64_t evaluated_at,
                                                         const CheckpointInfo& info) const {
  try {
    Checkpoint checkpoint =
        read_checkpoint(former_folder_ / run_files::checkpoint_name(evaluated_at));
    const std::vector<std::int64_t>& evaluations = checkpoint.info.history.val_steps;
    const bool serves = !evaluations.empty() && evaluations.back() == evaluated_at;
    if (!serves || !leads_to(checkpoint.info, info)) return std::nullopt;
    return checkpoint;
  } catch (const InputError&) {
    return std::nullopt;  // it serves nobody
  }
}

// Of a run that goes on further than it was to, the former last evaluation is forgotten, but not
// the checkpoint that is the best so far for it.
std::optional<RunRecorder::Evaluation> RunRecorder::best_beside(const CheckpointInfo& info) const {
  const auto step = run_files::step_behind(former_folder_ / run_files::kBest);
  if (!step || *step > info.step) return std::nullopt;
  if (std::ranges::binary_search(info.history.val_steps, *step)) return std::nullopt;
  const auto checkpoint = former_checkpoint(*step, info);
  if (!checkpoint) return std::nullopt;
  return Evaluation{.step = *step, .val_loss = checkpoint->info.history.val_losses.back()};
}

std::optional<std::int64_t> RunRecorder::best_step(const TrainingHistory& history) const {
  const auto best = best_evaluation(history);
  if (former_best_ && (!best || former_best_->val_loss < history.val_losses[*best])) {
    return former_best_->step;
  }
  if (!best) return std::nullopt;
  return history.val_steps[*best];
}

// A run that goes on in another folder takes its best checkpoint along, once there is a later one.
void RunRecorder::bring_along(std::int64_t step, const CheckpointInfo& info) {
  const fs::path path = folder_.checkpoint_path(step);
  std::error_code unknown;
  if (former_folder_.empty() || fs::exists(path, unknown)) return;
  const auto checkpoint = former_checkpoint(step, info);
  former_folder_.clear();  // what comes later is the new folder's own
  if (!checkpoint) return;
  std::visit([&](const auto& model) { write_checkpoint(path, checkpoint->info, model); },
             checkpoint->state);
}

void RunRecorder::tidy(const CheckpointInfo& info) {
  const auto best = best_step(info.history);
  if (best) bring_along(*best, info);
  folder_.update_links(info.step, best);
  folder_.prune(info.config.keep_checkpoints, best);
}

}  // namespace microgpt
