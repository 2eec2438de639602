#include "model/activations.hpp"

#include "kernels/simd.hpp"

namespace microgpt {
namespace {

using kernels::padded;
using kernels::whole_blocks;

// Scalars of all matrices and columns that an Activations carves from its buffer.
template <class Scalar>
Index buffer_size(const ModelShape& shape, Index max_rows) {
  const Index n_embd = padded<Scalar>(shape.n_embd);
  const Index qkv = padded<Scalar>(3 * shape.n_embd);
  const Index hidden = padded<Scalar>(shape.mlp_width());
  const Index logits = padded<Scalar>(shape.vocab_size);
  const Index per_layer = 3 * n_embd + qkv + hidden;
  const Index log_sums = shape.n_layer * shape.n_head * whole_blocks<Scalar>(max_rows);
  const Index shared = 5 * n_embd + qkv + 2 * hidden + logits;
  const Index columns = 1 + 2 * shape.n_layer;
  return max_rows * (shared + shape.n_layer * per_layer) + log_sums +
         columns * padded<Scalar>(max_rows);
}

}  // namespace

template <class Scalar>
Activations<Scalar>::Activations(const ModelShape& shape, Index max_rows)
    : max_rows_(max_rows),
      buffer_(static_cast<std::size_t>(buffer_size<Scalar>(shape, max_rows))),
      next_(buffer_.data()),
      embedded_(take(shape.n_embd)),
      embedded_inverse_rms_(take_column()),
      output_(take(shape.n_embd)),
      logits_(take(shape.vocab_size)),
      normed_(take(shape.n_embd)),
      activated_(take(shape.mlp_width())),
      d_residual_(take(shape.n_embd)),
      d_narrow_(take(shape.n_embd)),
      d_qkv_(take(3 * shape.n_embd)),
      d_hidden_(take(shape.mlp_width())),
      attention_(shape.block_size, shape.n_embd),
      document_start_(static_cast<std::size_t>(max_rows)) {
  for (Index l = 0; l < shape.n_layer; ++l) {
    layers_.push_back({.input = take(shape.n_embd),
                       .input_inverse_rms = take_column(),
                       .qkv = take(3 * shape.n_embd),
                       .log_sum_exp = take(shape.n_head, whole_blocks<Scalar>(max_rows)),
                       .attended = take(shape.n_embd),
                       .middle = take(shape.n_embd),
                       .middle_inverse_rms = take_column(),
                       .hidden = take(shape.mlp_width())});
  }
}

template <class Scalar>
std::int64_t Activations<Scalar>::bytes(const ModelShape& shape, Index max_rows) {
  const Index scratch = kernels::AttentionScratch<Scalar>::size(shape.block_size, shape.n_embd);
  return (buffer_size<Scalar>(shape, max_rows) + scratch) * static_cast<Index>(sizeof(Scalar)) +
         max_rows * static_cast<Index>(sizeof(Index));
}

template <class Scalar>
Matrix<Scalar> Activations<Scalar>::take(Index rows, Index cols) {
  const Matrix<Scalar> matrix(next_, rows, cols, padded<Scalar>(cols));
  next_ += matrix.rows * matrix.stride;
  return matrix;
}

template <class Scalar>
Scalar* Activations<Scalar>::take_column() {
  Scalar* const column = next_;
  next_ += padded<Scalar>(max_rows_);
  return column;
}

template <class Scalar>
LayerActivations<Scalar> Activations<Scalar>::layer(Index index, Index rows) {
  LayerActivations<Scalar> layer = layers_[static_cast<std::size_t>(index)];
  for (Matrix<Scalar>* matrix :
       {&layer.input, &layer.qkv, &layer.attended, &layer.middle, &layer.hidden}) {
    matrix->rows = rows;
  }
  return layer;
}

template class Activations<float>;
template class Activations<double>;

}  // namespace microgpt
