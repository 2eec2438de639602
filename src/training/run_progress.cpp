#include "training/run_progress.hpp"

#include <algorithm>

namespace microgpt {
namespace {

// `log_every: auto` logs at most about so many steps.
constexpr std::int64_t kAutoLogSteps = 1000;

// For 64-bit counts that may be near their limit.
std::int64_t multiply_saturated(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

std::int64_t length_in_steps(const Config& config, std::int64_t batch_size,
                             std::int64_t training_documents, const RunProgress& progress) {
  if (!config.num_epochs) return config.num_steps;
  const std::int64_t wanted = multiply_saturated(*config.num_epochs, training_documents);
  const std::int64_t left = std::max<std::int64_t>(0, wanted - progress.cursor);
  const std::int64_t steps = left / batch_size + (left % batch_size != 0 ? 1 : 0);
  return steps > INT64_MAX - progress.step ? INT64_MAX : progress.step + steps;
}

}  // namespace

RunSchedule::RunSchedule(const Config& config, std::int64_t training_documents, bool has_validation,
                         const RunProgress& progress)
    : config_(config),
      batch_size_(config.batch_size.value()),
      training_documents_(training_documents),
      has_validation_(has_validation),
      num_steps_(length_in_steps(config, batch_size_, training_documents, progress)),
      log_every_(config.log_every.value_or(std::max<std::int64_t>(1, num_steps_ / kAutoLogSteps))) {
}

std::int64_t RunSchedule::earlier_epoch(std::int64_t cursor, std::int64_t steps) const {
  const std::int64_t documents = multiply_saturated(steps, batch_size_);
  return epoch(std::max<std::int64_t>(0, cursor - documents));
}

bool RunSchedule::period_ends(const std::optional<std::int64_t>& period, std::int64_t step,
                              std::int64_t cursor) const {
  if (period) return step % *period == 0;
  return epoch(cursor) > earlier_epoch(cursor, 1);
}

bool RunSchedule::evaluation_due(std::int64_t step, std::int64_t cursor) const {
  return has_validation_ && (step == num_steps_ || period_ends(config_.eval_every, step, cursor));
}

bool RunSchedule::checkpoint_due(std::int64_t step, std::int64_t cursor) const {
  return step == num_steps_ || period_ends(config_.checkpoint_every, step, cursor);
}

bool RunSchedule::log_due(std::int64_t step) const {
  return step == num_steps_ || step % log_every_ == 0;
}

bool RunSchedule::patience_is_over(const TrainingHistory& history) const {
  if (config_.early_stop_patience == 0) return false;
  const auto best = best_evaluation(history);
  if (!best) return false;
  const auto since = static_cast<std::int64_t>(history.val_losses.size() - 1 - *best);
  return since >= config_.early_stop_patience;
}

void RunSchedule::forget_what_was_not_due(RunProgress& progress) const {
  TrainingHistory& history = progress.history;
  if (!history.val_steps.empty() && history.val_steps.back() == progress.step &&
      !evaluation_due(progress.step, progress.cursor)) {
    history.val_steps.pop_back();
    history.val_losses.pop_back();
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < history.steps.size(); ++i) {
    const std::int64_t step = history.steps[i];
    if (!log_due(step) && !std::ranges::binary_search(history.val_steps, step)) continue;
    history.steps[kept] = step;
    history.losses[kept] = history.losses[i];
    ++kept;
  }
  history.steps.resize(kept);
  history.losses.resize(kept);
}

std::optional<std::size_t> best_evaluation(const TrainingHistory& history) {
  if (history.val_losses.empty()) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::min_element(history.val_losses) -
                                  history.val_losses.begin());
}

}  // namespace microgpt
