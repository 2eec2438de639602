#include "generation/decoder.hpp"

#include "kernels/activation.hpp"
#include "kernels/product.hpp"
#include "kernels/row_functions.hpp"
#include "kernels/simd.hpp"

namespace microgpt {
namespace {

using namespace kernels;

template <class Scalar>
Index buffer_size(const ModelShape& shape) {
  const Index n_embd = padded<Scalar>(shape.n_embd);
  const Index rows = 3 * n_embd + padded<Scalar>(3 * shape.n_embd) +
                     shape.n_head * padded<Scalar>(shape.block_size) +
                     padded<Scalar>(shape.mlp_width()) + padded<Scalar>(shape.vocab_size);
  const Index cache = shape.n_embd * padded<Scalar>(shape.block_size) + shape.block_size * n_embd;
  return rows + shape.n_layer * cache;
}

}  // namespace

template <class Scalar>
Decoder<Scalar>::Decoder(const ModelShape& shape, const Weights<const Scalar>& weights,
                         const TransposedWeights<Scalar>& transposed)
    : shape_(shape),
      weights_(weights),
      transposed_(transposed),
      buffer_(static_cast<std::size_t>(buffer_size<Scalar>(shape))),
      next_(buffer_.data()),
      residual_(take(1, shape.n_embd)),
      normed_(take(1, shape.n_embd)),
      qkv_(take(1, 3 * shape.n_embd)),
      scores_(take(shape.n_head, shape.block_size)),
      attended_(take(1, shape.n_embd)),
      hidden_(take(1, shape.mlp_width())),
      logits_(take(1, shape.vocab_size)) {
  for (Index layer = 0; layer < shape.n_layer; ++layer) {
    const auto key_transposed = take(shape.n_embd, shape.block_size);
    const auto value = take(shape.block_size, shape.n_embd);
    layers_.push_back({key_transposed, value});
  }
}

template <class Scalar>
Matrix<Scalar> Decoder<Scalar>::take(Index rows, Index cols) {
  const Matrix<Scalar> matrix(next_, rows, cols, padded<Scalar>(cols));
  next_ += rows * matrix.stride;
  return matrix;
}

template <class Scalar>
std::span<const Scalar> Decoder<Scalar>::feed(Token token) {
  const Scalar* token_row = weights_.wte.row(token);
  const Scalar* position_row = weights_.wpe.row(position_);
  for (Index i = 0; i < shape_.n_embd; ++i) {
    residual_.data[i] = token_row[i] + position_row[i];
  }
  rmsnorm_row(residual_.data, shape_.n_embd, residual_.data);

  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& layer = transposed_.layer(l);
    rmsnorm_row(residual_.data, shape_.n_embd, normed_.data);
    multiply<Scalar>(normed_, layer.attn_wqkv, qkv_);
    attend(layers_[l]);
    accumulate<Scalar>(attended_, layer.attn_wo, residual_);

    rmsnorm_row(residual_.data, shape_.n_embd, normed_.data);
    multiply<Scalar>(normed_, layer.mlp_fc1, hidden_);
    activate<Scalar>(shape_.activation, hidden_, hidden_);
    accumulate<Scalar>(hidden_, layer.mlp_fc2, residual_);
  }
  multiply<Scalar>(residual_, transposed_.lm_head(), logits_);
  ++position_;
  return {logits_.data, static_cast<std::size_t>(shape_.vocab_size)};
}

template <class Scalar>
void Decoder<Scalar>::attend(const LayerCache& cache) {
  const Index n_embd = shape_.n_embd;
  const Index visible = position_ + 1;
  for (Index i = 0; i < n_embd; ++i) {
    cache.key_transposed.row(i)[position_] = qkv_.data[n_embd + i];
    cache.value.row(position_)[i] = qkv_.data[2 * n_embd + i];
  }
  attention_row<Scalar>(qkv_.data, cache.key_transposed.column_range(0, visible),
                        cache.value.row_range(0, visible), scores_.column_range(0, visible),
                        attended_.data);
}

template class Decoder<float>;
template class Decoder<double>;

}  // namespace microgpt
