#include "training/model_workers.hpp"

#include "training/batch_plan.hpp"

namespace microgpt {

template <class Scalar>
ModelWorkers<Scalar>::ModelWorkers(const ModelShape& shape, const Scalar* parameters,
                                   std::span<const Token> stream, std::int64_t piece_positions,
                                   int threads)
    : shape_(shape), stream_(stream), weights_(shape, parameters), pool_(threads) {
  activations_.reserve(static_cast<std::size_t>(threads));
  for (int worker = 0; worker < threads; ++worker) {
    activations_.emplace_back(shape_, piece_positions);
  }
}

template <class Scalar>
double ModelWorkers<Scalar>::evaluate(std::span<const Document> documents) {
  plan_pieces(documents, activations_[0].max_positions(), pieces_);
  losses_.resize(documents.size());
  pool_.run(pieces_.size(), [&](std::size_t index, int worker) {
    const PackedDocuments piece{stream_, pieces_[index]};
    const auto first_document = static_cast<std::size_t>(piece.documents.data() - documents.data());
    forward(model(), piece, activations(worker));
    document_losses(piece, activations(worker), std::span(losses_).subspan(first_document));
  });

  double sum = 0;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    sum += losses_[d] * static_cast<double>(documents[d].length);
  }
  return sum / static_cast<double>(count_positions(documents));
}

template class ModelWorkers<float>;
template class ModelWorkers<double>;

}  // namespace microgpt
