// The training loop: sample a batch, forward, loss, backward, all-reduce, Adam; again.
//
// The trainer knows nothing of files, terminals or signals: it tells an observer what happened. Its
// weights, losses and samples depend on the config and the dataset alone, never on `threads` or on
// how many processes share the work. Of several processes, each makes a trainer with the same
// config and dataset, and only the first one's observer is told anything.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "microgpt/checkpoint.hpp"
#include "microgpt/config.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/process_group.hpp"

namespace microgpt {

/// What one completed step was like.
struct StepReport {
  std::int64_t step = 0;   ///< completed steps: the first is 1
  std::int64_t epoch = 0;  ///< completed passes over the training documents
  double loss = 0;         ///< mean over the step's documents, nats
  double learning_rate = 0;
  std::int64_t positions = 0;      ///< tokens predicted in this step
  double seconds = 0;              ///< that the step took, without evaluation and reports
  std::optional<double> val_loss;  ///< where this step was followed by an evaluation
  bool logged = false;             ///< log_every asks for it, or it is the last, or evaluated
};

/// Is told what happens, in this order: a step (with its evaluation), then a checkpoint that is
/// due.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_step(const StepReport& report) = 0;
  virtual void on_checkpoint(const CheckpointInfo& info, const AnyModelState& state) = 0;
};

enum class TrainingEnd {
  completed,  ///< num_steps are done
  early,      ///< early_stop_patience is used up
  stopped     ///< the caller asked for it
};

class Trainer {
 public:
  /// Throws InputError, with all parts in words, where a run would need more memory than there is,
  /// of which each of several processes gets an equal part. `has_model`: a checkpoint has been
  /// read. A process alone is asked by the constructors, too; several have to ask before any of
  /// them makes its trainer, or the late ones would count what the early ones have taken.
  static void require_memory(const Config& config, const Dataset& dataset, int threads,
                             const ProcessGroup& group = single_process(), bool has_model = false);

  /// A new run. `config` is validated; `dataset` outlives the trainer. Draws the order of documents
  /// and the initial parameters from config.seed. With an empty batch_size, one document for each
  /// thread of each process. `group` outlives the trainer; nothing is sent before run().
  /// Throws InputError where nothing is left to train on, and as require_memory() does.
  Trainer(const Config& config, const Dataset& dataset, int threads,
          ProcessGroup& group = single_process());

  /// Goes on from a checkpoint. `config` is the checkpoint's, but for what may change; `dataset`
  /// has the checkpoint's digest and tokenizer. What the history holds of reports that a run of
  /// this length would not have made is dropped, so that it reads as if there had been no
  /// interruption. Throws as the other constructor does, and InputError where the checkpoint's
  /// model has not the shape or the precision of `config`.
  Trainer(Checkpoint checkpoint, const Config& config, const Dataset& dataset, int threads,
          ProcessGroup& group = single_process());

  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Trains until the end, or until `stop` is not 0 (asked after each step). In each case the last
  /// thing that the observer hears of is a checkpoint of the last step; where none is left to do,
  /// it hears of nothing. Several processes run together, and stop after the same step, whichever
  /// of them is asked to. Throws RunError that names step and learning rate where the loss is not
  /// finite, before the update is applied, or the gradient, its square in the run's precision, or
  /// val_loss is not (then the model, or a part of it, may have been updated; the observer does not
  /// hear of it); and whatever the observer throws. In the other processes that is EndedElsewhere.
  /// Anything else that is thrown, the others do not know of: see ProcessGroup::ends_together().
  TrainingEnd run(TrainingObserver& observer, const std::atomic<int>& stop);

  /// The length of training in steps, from num_steps or num_epochs.
  [[nodiscard]] std::int64_t num_steps() const;
  [[nodiscard]] const DocumentSplit& split() const;
  [[nodiscard]] const ParameterLayout& layout() const;
  /// Where the run is now; the same as the observer gets with a checkpoint.
  [[nodiscard]] CheckpointInfo info() const;
  /// Of several processes, the first has all of it as of the last checkpoint; the others have the
  /// parameters and some of the moments.
  [[nodiscard]] const AnyModelState& state() const;
  /// The logged steps of the history as they were reported, without positions and seconds. Epoch
  /// and learning rate are those that this config gives them.
  [[nodiscard]] std::vector<StepReport> past_reports() const;

 private:
  struct Run;
  std::unique_ptr<Run> run_;
};

/// The mean loss in nats over all positions of all documents, bit for bit the same for any number
/// of threads. `dataset` is read with the model's tokenizer and block_size. Throws InputError where
/// they would need more memory than there is.
[[nodiscard]] double evaluate(const ModelShape& shape, const AnyModelState& state,
                              const Dataset& dataset, int threads);

}  // namespace microgpt
