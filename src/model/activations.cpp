#include "model/activations.hpp"

#include <algorithm>

#include "kernels/simd.hpp"

namespace microgpt {
namespace {

using kernels::kLanes;
using kernels::padded;

// Scalars from one row to the next. Where rows are long, an odd number of vectors, lest the same
// column of many rows compete for the same few sets of a cache.
template <class Scalar>
Index stride_for(Index columns) {
  constexpr Index kLong = 8;
  const Index vectors = padded<Scalar>(columns) / kLanes<Scalar>;
  return (vectors >= kLong ? vectors | 1 : vectors) * kLanes<Scalar>;
}

// Rows of all matrices that an Activations carves from its buffer.
Index rows_of(const ModelShape& shape) {
  const Index n_embd = shape.n_embd;
  const Index per_layer = 6 * n_embd + 2 * shape.n_head + shape.mlp_width() + 2;
  const Index shared = 8 * n_embd + 2 * shape.mlp_width() + shape.vocab_size + 4;
  return shared + shape.n_layer * per_layer;
}

// A transposed copy has at most as many features as the MLP is wide.
template <class Scalar>
Index transposed_size(const ModelShape& shape, Index max_positions) {
  return padded<Scalar>(max_positions) * stride_for<Scalar>(shape.mlp_width());
}

template <class Scalar>
Index embeddings_size(const ModelShape& shape) {
  return padded<Scalar>((shape.vocab_size + shape.block_size) * shape.n_embd);
}

// Attention reads up to two vectors behind the last row.
template <class Scalar>
Index buffer_size(const ModelShape& shape, Index max_positions) {
  return rows_of(shape) * stride_for<Scalar>(max_positions) +
         transposed_size<Scalar>(shape, max_positions) + 2 * embeddings_size<Scalar>(shape) +
         2 * kLanes<Scalar>;
}

// Where attention keeps exponentials for backward, each layer needs scratch of its own.
template <class Scalar>
Index scratches(const ModelShape& shape, Index longest_document) {
  return kernels::AttentionScratch<Scalar>::by_distance(longest_document) ? shape.n_layer : 1;
}

}  // namespace

void ask_for(std::span<const Token> stream, std::span<const Document> documents) {
  for (const Document& document : documents) {
    __builtin_prefetch(stream.data() + document.offset);
    __builtin_prefetch(stream.data() + document.offset + document.length);
  }
}

template <class Scalar>
Activations<Scalar>::Activations(const ModelShape& shape, Index max_positions,
                                 Index longest_document)
    : max_positions_(max_positions),
      buffer_(static_cast<std::size_t>(buffer_size<Scalar>(shape, max_positions))),
      next_(buffer_.data()),
      place_(take_row()),
      loss_scales_(take_row()),
      losses_(take_row()),
      embedded_(take(shape.n_embd)),
      embedded_inverse_rms_(take_row()),
      output_(take(shape.n_embd)),
      logits_(take(shape.vocab_size)),
      normed_(take(shape.n_embd)),
      activated_(take(shape.mlp_width())),
      d_residual_(take(shape.n_embd)),
      d_narrow_(take(shape.n_embd)),
      d_qkv_(take(3 * shape.n_embd)),
      d_hidden_(take(shape.mlp_width())),
      d_embeddings_{{{nullptr, 0, 0}, {nullptr, 0, 0}}},
      lengths_(static_cast<std::size_t>(max_positions)),
      distances_(static_cast<std::size_t>(padded<Scalar>(max_positions) / kLanes<Scalar>)),
      token_storage_(static_cast<std::size_t>(2 * max_positions)) {
  for (Index l = 0; l < shape.n_layer; ++l) {
    layers_.push_back({.input = take(shape.n_embd),
                       .qkv = take(3 * shape.n_embd),
                       .softmax_terms = take(2 * shape.n_head),
                       .attended = take(shape.n_embd),
                       .middle = take(shape.n_embd),
                       .hidden = take(shape.mlp_width()),
                       .input_inverse_rms = take_row(),
                       .middle_inverse_rms = take_row()});
  }
  for (Index i = 0; i < scratches<Scalar>(shape, longest_document); ++i) {
    attention_.emplace_back(longest_document, padded<Scalar>(max_positions), shape.n_head);
  }
  transposed_ = next_;
  next_ += transposed_size<Scalar>(shape, max_positions);
  for (Matrix<Scalar>& level : d_embeddings_) {
    level = {next_, shape.vocab_size + shape.block_size, shape.n_embd};
    next_ += embeddings_size<Scalar>(shape);
  }
}

template <class Scalar>
std::int64_t Activations<Scalar>::bytes(const ModelShape& shape, Index max_positions,
                                        Index longest_document) {
  const Index scratch = scratches<Scalar>(shape, longest_document) *
                        kernels::AttentionScratch<Scalar>::size(
                            longest_document, padded<Scalar>(max_positions), shape.n_head);
  return (buffer_size<Scalar>(shape, max_positions) + scratch) *
             static_cast<Index>(sizeof(Scalar)) +
         2 * max_positions * static_cast<Index>(sizeof(Token)) +
         (max_positions +
          padded<Scalar>(max_positions) / kLanes<Scalar>)*static_cast<Index>(sizeof(Index));
}

template <class Scalar>
typename Activations<Scalar>::Slot Activations<Scalar>::take(Index rows) {
  const Slot slot{next_, rows};
  next_ += rows * stride_for<Scalar>(max_positions_);
  return slot;
}

template <class Scalar>
void Activations<Scalar>::set_piece(const PackedDocuments& piece) {
  const Index all_positions = piece.positions();
  const auto positions = static_cast<std::size_t>(all_positions);
  columns_ = padded<Scalar>(all_positions);
  part_count_ = std::max<std::size_t>(piece.parts.size(), 1);
  parts_[0] = all_positions;
  std::ranges::transform(piece.parts, parts_.begin(), count_positions);
  stride_ = stride_for<Scalar>(columns_);
  tokens_ = token_storage_.values().first(positions);
  targets_ = token_storage_.values().subspan(positions, positions);
  ask_for(piece.stream, piece.documents);
  documents_ = 0;
  std::ranges::fill(distances_.values(), 0);
  Index position = 0;
  for (const Document& document : piece.documents) {
    // Documents are short: a loop is faster than three calls of a library.
    const Token* from = piece.stream.data() + document.offset;
    Token* tokens = tokens_.data() + position;
    Token* targets = targets_.data() + position;
    Scalar* places = place_ + position;
    for (Index place = 0; place < document.length; ++place) {
      tokens[place] = from[place];
      targets[place] = from[place + 1];
      places[place] = static_cast<Scalar>(place);
    }
    lengths_.data()[documents_++] = document.length;
    position += document.length;
    look_back(position - document.length, document.length);
  }
  std::fill(place_ + positions, place_ + columns_, Scalar{0});
  most_distances_ = *std::ranges::max_element(distances_.values());
}

// The vectors that a document's columns lie in look back as far as the last of them there.
template <class Scalar>
void Activations<Scalar>::look_back(Index first, Index length) {
  const Index end = first + length;
  for (Index vector = first / kLanes<Scalar>; vector * kLanes<Scalar> < end; ++vector) {
    const Index last = std::min((vector + 1) * kLanes<Scalar>, end) - 1;
    Index& distances = distances_.data()[vector];
    distances = std::max(distances, kernels::whole_groups(last - first + 1));
  }
}

template <class Scalar>
LayerActivations<Scalar> Activations<Scalar>::layer(Index index) const {
  const LayerSlots& slots = layers_[static_cast<std::size_t>(index)];
  return {.input = of(slots.input),
          .input_inverse_rms = slots.input_inverse_rms,
          .qkv = of(slots.qkv),
          .softmax_terms = of(slots.softmax_terms),
          .attended = of(slots.attended),
          .middle = of(slots.middle),
          .middle_inverse_rms = slots.middle_inverse_rms,
          .hidden = of(slots.hidden)};
}

template <class Scalar>
Matrix<Scalar> Activations<Scalar>::transposed(Index features) const {
  return {transposed_, positions(), features, stride_for<Scalar>(features)};
}

template class Activations<float>;
template class Activations<double>;

}  // namespace microgpt
