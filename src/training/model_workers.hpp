// A pool of workers that read one model, each with activations of its own; and evaluation, the work
// that needs nothing more.
#pragma once

#include <span>
#include <vector>

#include "microgpt/process_group.hpp"
#include "model/activations.hpp"
#include "model/transformer.hpp"
#include "training/worker_pool.hpp"

namespace microgpt {

template <class Scalar>
class ModelWorkers {
 public:
  /// `parameters` (laid out as ParameterLayout says) and `stream` outlive the object.
  /// No document is longer than `longest_document`.
  ModelWorkers(const ModelShape& shape, const Scalar* parameters, std::span<const Token> stream,
               std::int64_t longest_document, int threads);

  [[nodiscard]] WorkerPool& pool() { return pool_; }
  [[nodiscard]] const WorkerPool& pool() const { return pool_; }
  [[nodiscard]] std::span<const Token> stream() const { return stream_; }
  [[nodiscard]] TransformerWeights<Scalar> model() const { return {shape_, weights_}; }
  [[nodiscard]] Activations<Scalar>& activations(int worker) {
    return activations_[static_cast<std::size_t>(worker)];
  }

  /// The mean loss over all positions of `documents`, in nats. The processes of `group` share the
  /// work; all have the same parameters, and get the same result. Collective.
  [[nodiscard]] double evaluate(std::span<const Document> documents, ProcessGroup& group);

 private:
  ModelShape shape_;
  std::span<const Token> stream_;
  Weights<const Scalar> weights_;
  std::vector<Activations<Scalar>> activations_;
  std::vector<std::span<const Document>> pieces_;
  std::vector<double> losses_;
  WorkerPool pool_;
};

}  // namespace microgpt
