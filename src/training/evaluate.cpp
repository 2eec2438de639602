// The loss of a model without a trainer: held against a dataset, piece by piece, on some workers.
#include <algorithm>

#include "base/available_memory.hpp"
#include "microgpt/trainer.hpp"
#include "model/activations.hpp"
#include "training/batch_plan.hpp"
#include "training/model_workers.hpp"

namespace microgpt {

double evaluate(const ModelShape& shape, const AnyModelState& state, const Dataset& dataset,
                int threads) {
  const auto& documents = dataset.documents();
  const std::int64_t longest_document = dataset.longest_document();
  const std::int64_t piece_positions = piece_positions_for(longest_document);
  const auto pieces = (count_positions(documents) + piece_positions - 1) / piece_positions;
  const int workers = static_cast<int>(std::min<std::int64_t>(threads, pieces));
  return std::visit(
      [&]<class Scalar>(const ModelState<Scalar>& model) {
        require_memory(
            workers * Activations<Scalar>::bytes(shape, piece_positions, longest_document),
            "this evaluation", "lower --threads");
        ModelWorkers<Scalar> team(shape, model.parameters.data(), dataset.stream(),
                                  longest_document, workers);
        return team.evaluate(documents, single_process());
      },
      state);
}

}  // namespace microgpt
