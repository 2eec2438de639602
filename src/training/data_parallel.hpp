// Data-parallel training on one machine: each worker computes the gradients of different documents,
// the gradients are all-reduced, and Adam's update is shared by the workers, too.
#pragma once

#include <span>
#include <vector>

#include "training/batch_plan.hpp"
#include "training/model_workers.hpp"
#include "training/step_profile.hpp"
#include "training/training_engine.hpp"

namespace microgpt {

template <class Scalar>
class DataParallelEngine final : public TrainingEngine {
 public:
  /// `state` and `stream` outlive the engine. All memory is taken here: a step allocates nothing.
  /// More threads than a step can have lanes would have nothing to do, and are not started.
  DataParallelEngine(const ModelShape& shape, ModelState<Scalar>& state,
                     std::span<const Token> stream, std::int64_t batch_size, int threads);

  BatchGradient compute_gradient(std::span<const Document> batch) override;
  void update(const kernels::AdamStep& step) override;
  double evaluate(std::span<const Document> documents) override;

  [[nodiscard]] int workers() const { return workers_.pool().workers(); }
  /// Adds the time of the following steps to `profile`, with an entry for each worker; null: to
  /// none. The profile outlives the engine or is taken away.
  void set_profile(StepProfile* profile) { profile_ = profile; }

 private:
  using Lane = std::span<const Document>;

  // The gradient of one lane's documents, whose losses go to `losses`.
  void compute_lane(std::size_t lane, std::span<double> losses, int worker);
  void reduce_slice(std::size_t slice);
  [[nodiscard]] std::size_t slices() const;

  BatchLimits limits_;
  ModelState<Scalar>& state_;
  ModelWorkers<Scalar> workers_;
  std::vector<AlignedBuffer<Scalar>> gradients_;  // one a lane; the first comes to hold their sum
  std::vector<Weights<Scalar>> gradient_views_;
  std::vector<Lane> lanes_;
  std::vector<double> losses_;         // one a document
  std::vector<double> squared_norms_;  // one a slice
  double document_scale_ = 0;
  StepProfile* profile_ = nullptr;
};

}  // namespace microgpt
