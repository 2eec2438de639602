// What the training loop asks of whatever computes. One machine's workers are one engine
// (data_parallel.hpp); the loop does not know in which precision, or on how many of what.
#pragma once

#include <span>

#include "kernels/adam.hpp"
#include "microgpt/dataset.hpp"

namespace microgpt {

/// What the loop needs to know of a gradient before it lets Adam use it.
struct BatchGradient {
  double loss = 0;          ///< mean over the documents, nats
  double squared_norm = 0;  ///< Σ g² over all parameters; not finite where any g is not
};

class TrainingEngine {
 public:
  virtual ~TrainingEngine() = default;

  /// The gradient of the mean loss of `batch`, kept for update(). At most as many documents as the
  /// engine was made for.
  virtual BatchGradient compute_gradient(std::span<const Document> batch) = 0;

  /// One Adam update from the gradient computed last.
  virtual void update(const kernels::AdamStep& step) = 0;

  /// The mean loss over all positions of `documents`, in nats.
  virtual double evaluate(std::span<const Document> documents) = 0;
};

}  // namespace microgpt
