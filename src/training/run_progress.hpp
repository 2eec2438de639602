// Where a run stands, and what is due there: which steps are logged, evaluated, checkpointed, and
// whether patience has run out. Everything follows from the step, the cursor and the history, so
// that a resumed run decides as an uninterrupted one would.
#pragma once

#include <cstdint>
#include <optional>

#include "microgpt/checkpoint.hpp"
#include "microgpt/config.hpp"

namespace microgpt {

struct RunProgress {
  std::int64_t step = 0;    ///< completed steps
  std::int64_t cursor = 0;  ///< training documents consumed
  TrainingHistory history;
};

class RunSchedule {
 public:
  /// From a run's place on: the length of training follows from it where num_epochs is given and
  /// the batch size has changed on the way.
  RunSchedule(const Config& config, std::int64_t training_documents, bool has_validation,
              const RunProgress& progress);

  [[nodiscard]] std::int64_t num_steps() const { return num_steps_; }
  [[nodiscard]] std::int64_t epoch(std::int64_t cursor) const {
    return cursor / training_documents_;
  }
  /// The epoch so many steps of this batch size before `cursor`.
  [[nodiscard]] std::int64_t earlier_epoch(std::int64_t cursor, std::int64_t steps) const;

  /// The following ask about the step that led to `step` and `cursor`.
  [[nodiscard]] bool evaluation_due(std::int64_t step, std::int64_t cursor) const;
  [[nodiscard]] bool checkpoint_due(std::int64_t step, std::int64_t cursor) const;
  [[nodiscard]] bool log_due(std::int64_t step) const;

  /// Whether early_stop_patience evaluations in a row have not been better than the best before.
  [[nodiscard]] bool patience_is_over(const TrainingHistory& history) const;

  /// Drops what this schedule would not have reported on the way to `progress`: the last step of a
  /// shorter run is always logged and evaluated, and log_every: auto grows with num_steps.
  void forget_what_was_not_due(RunProgress& progress) const;

 private:
  [[nodiscard]] bool period_ends(const std::optional<std::int64_t>& period, std::int64_t step,
                                 std::int64_t cursor) const;

  Config config_;
  std::int64_t batch_size_;
  std::int64_t training_documents_;
  bool has_validation_;
  std::int64_t num_steps_;
  std::int64_t log_every_;
};

/// The index of the lowest val_loss, the first of equals; nothing where none has been taken.
[[nodiscard]] std::optional<std::size_t> best_evaluation(const TrainingHistory& history);

}  // namespace microgpt
