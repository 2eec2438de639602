#include "generation/transposed_weights.hpp"

#include "kernels/simd.hpp"

namespace microgpt {
namespace {

using kernels::padded;

// Scalars that the copies take: their rows are padded to whole vectors.
template <class Scalar>
std::size_t transposed_size(const ModelShape& shape) {
  const Index n_embd = shape.n_embd;
  const Index width = shape.mlp_width();
  const Index layer = n_embd * padded<Scalar>(3 * n_embd) + n_embd * padded<Scalar>(n_embd) +
                      n_embd * padded<Scalar>(width) + width * padded<Scalar>(n_embd);
  const Index head = n_embd * padded<Scalar>(shape.vocab_size);
  return static_cast<std::size_t>(head + shape.n_layer * layer);
}

}  // namespace

template <class Scalar>
TransposedWeights<Scalar>::TransposedWeights(const ModelShape& shape,
                                             const Weights<const Scalar>& weights)
    : buffer_(transposed_size<Scalar>(shape)),
      next_(buffer_.data()),
      lm_head_(transposed(weights.lm_head)) {
  for (const auto& layer : weights.layers) {
    layers_.push_back({.attn_wqkv = transposed(layer.attn_wqkv),
                       .attn_wo = transposed(layer.attn_wo),
                       .mlp_fc1 = transposed(layer.mlp_fc1),
                       .mlp_fc2 = transposed(layer.mlp_fc2)});
  }
}

template <class Scalar>
Matrix<const Scalar> TransposedWeights<Scalar>::transposed(Matrix<const Scalar> weight) {
  const Matrix<Scalar> copy(next_, weight.cols, weight.rows, padded<Scalar>(weight.rows));
  next_ += copy.rows * copy.stride;
  // Element by element, once: kernels::transpose() reads whole vectors, also behind a matrix's end.
  for (Index row = 0; row < weight.rows; ++row) {
    for (Index col = 0; col < weight.cols; ++col) copy.row(col)[row] = weight.row(row)[col];
  }
  return copy;
}

template class TransposedWeights<float>;
template class TransposedWeights<double>;

}  // namespace microgpt
