#include "training/model_workers.hpp"

#include "training/batch_plan.hpp"

namespace microgpt {

template <class Scalar>
ModelWorkers<Scalar>::ModelWorkers(const ModelShape& shape, const Scalar* parameters,
                                   std::span<const Token> stream, std::int64_t longest_document,
                                   int threads)
    : shape_(shape), stream_(stream), weights_(shape, parameters), pool_(threads) {
  activations_.reserve(static_cast<std::size_t>(threads));
  for (int worker = 0; worker < threads; ++worker) {
    activations_.emplace_back(shape_, piece_positions_for(longest_document), longest_document);
  }
}

template <class Scalar>
double ModelWorkers<Scalar>::evaluate(std::span<const Document> documents, ProcessGroup& group) {
  plan_pieces(documents, activations_[0].max_positions(), pieces_);
  losses_.resize(documents.size());
  // Process r takes the pieces from its border on, up to that of the next.
  const auto border = [&](int rank) {
    return pieces_.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(group.size());
  };
  const std::size_t begin = border(group.rank());
  pool_.run(border(group.rank() + 1) - begin, [&](std::size_t index, int worker) {
    const auto& documents_of_piece = pieces_[begin + index];
    const PackedDocuments piece{stream_, documents_of_piece};
    const auto offset = static_cast<std::size_t>(piece.documents.data() - documents.data());
    forward(model(), piece, activations(worker));
    document_losses(piece, activations(worker), std::span(losses_).subspan(offset));
  });

  std::vector<std::int64_t> document_borders;
  for (int rank = 0; rank <= group.size(); ++rank) {
    const std::size_t piece = border(rank);
    document_borders.push_back(piece < pieces_.size() ? pieces_[piece].data() - documents.data()
                                                      : std::ssize(documents));
  }
  group.all_gather(std::as_writable_bytes(std::span(losses_)).data(), Unit::word, document_borders);

  double sum = 0;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    sum += losses_[d] * static_cast<double>(documents[d].length);
  }
  return sum / static_cast<double>(count_positions(documents));
}

template class ModelWorkers<float>;
template class ModelWorkers<double>;

}  // namespace microgpt
