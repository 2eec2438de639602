// What the training loop asks of whatever computes. The workers of one machine, or of many, are one
// engine (data_parallel.hpp); the loop does not know in which precision, or on how many of what.
#pragma once

#include <span>

#include "kernels/adam.hpp"
#include "microgpt/dataset.hpp"

namespace microgpt {

/// What the loop needs to know of a batch before it lets Adam use its gradient.
struct BatchLoss {
  double loss = 0;  ///< mean over the documents, nats
  int note = 0;     ///< the largest that any process passed on with its share
};

/// With several processes, all call all functions in the same order, and get the same results.
class TrainingEngine {
 public:
  virtual ~TrainingEngine() = default;

  /// The gradient of the mean loss of `batch`, kept for update(). At most as many documents as the
  /// engine was made for. `note` (not negative) is told to the other processes.
  virtual BatchLoss compute_gradient(std::span<const Document> batch, int note) = 0;

  /// One Adam update from the gradient computed last, at most one for each, which is scaled to a
  /// norm of `grad_clip` where that is positive and the norm is larger. Returns whether the
  /// gradient is finite, and once scaled its square in the run's precision: else that would end as
  /// infinity in a second moment, and such a parameter would never move again. Where it is not,
  /// some parameters may have been updated, and the state serves for nothing any more.
  [[nodiscard]] virtual bool update(kernels::AdamStep step, double grad_clip) = 0;

  /// The mean loss over all positions of `documents`, in nats.
  virtual double evaluate(std::span<const Document> documents) = 0;

  /// Afterwards the model's state is whole in the first process.
  virtual void collect_state() = 0;
};

}  // namespace microgpt
