// Data-parallel training: each worker of each process computes the gradients of different
// documents, the gradients are all-reduced, and Adam's update is shared out, too.
#pragma once

#include <span>
#include <vector>

#include "distributed/reduction_plan.hpp"
#include "microgpt/process_group.hpp"
#include "training/gradient_exchange.hpp"
#include "training/lane_gradients.hpp"
#include "training/lane_plan.hpp"
#include "training/model_workers.hpp"
#include "training/step_profile.hpp"
#include "training/training_engine.hpp"
#include "training/tree_sum.hpp"

namespace microgpt {

template <class Scalar>
class DataParallelEngine final : public TrainingEngine {
 public:
  /// `state`, `stream` and `group` outlive the engine. The moments in `state` are whole, or just
  /// those that this process keeps (see moments_kept). All memory is taken here: a step allocates
  /// nothing. No document is longer than `longest_document`. More threads than this process can
  /// have lanes would have nothing to do in a step, and are not started.
  DataParallelEngine(const ModelShape& shape, ModelState<Scalar>& state,
                     std::span<const Token> stream, std::int64_t longest_document,
                     std::int64_t batch_size, int threads, ProcessGroup& group = single_process());

  BatchLoss compute_gradient(std::span<const Document> batch, int note = 0) override;
  [[nodiscard]] bool update(kernels::AdamStep step, double grad_clip = 0) override;
  double evaluate(std::span<const Document> documents) override;
  void collect_state() override;

  [[nodiscard]] int workers() const { return workers_.pool().workers(); }
  /// Adds the time of the following steps to `profile`, with an entry for each worker; null: to
  /// none. The profile outlives the engine or is taken away.
  void set_profile(StepProfile* profile) { profile_ = profile; }

 private:
  using Lane = LanePlan::Lane;

  void plan_step(std::span<const Document> batch);
  void compute_lanes(LaneRange lanes, int worker);
  void compute_lane(int lane, int worker);
  void compute_piece(const PackedDocuments& piece, const Weights<Scalar>& gradients, Gradient mode,
                     int worker);
  void plan_sums();
  int exchange_sums(std::span<double> losses, int note);
  template <class Work>
  void for_own_slices(double WorkerProfile::*phase, Work&& work);
  void add_nodes(std::size_t slice);
  bool reduce_and_update(const kernels::AdamStep& step);
  double update_slice(const kernels::AdamStep& step, std::size_t slice,
                      std::span<const Scalar> gradient);
  [[nodiscard]] double squared_norm() const;
  [[nodiscard]] std::span<Scalar> node_slice(std::size_t node, std::size_t slice);
  [[nodiscard]] bool alone() const { return group_.size() == 1; }

  BatchLimits limits_;
  ProcessGroup& group_;
  ReductionLimits reduction_limits_;
  ModelState<Scalar>& state_;
  ModelWorkers<Scalar> workers_;
  ReductionPlan plan_;
  GradientExchange<Scalar> exchange_;
  LaneGradients<Scalar> gradients_;
  LanePlan lanes_;                           // of all processes
  std::vector<std::size_t> first_document_;  // of each process, and the end
  std::vector<TreeSum<Scalar>> node_sums_;   // of this process's nodes
  std::vector<Scalar*> whole_sums_;          // the same, for the exchange
  std::vector<double> losses_;               // one a document
  std::vector<double> squared_norms_;        // one a slice
  double document_scale_ = 0;
  StepProfile* profile_ = nullptr;
};

}  // namespace microgpt
