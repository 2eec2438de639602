#include "model/weights.hpp"

#include <algorithm>

#include "kernels/simd.hpp"

namespace microgpt {
namespace {

// Hands out matrices from a block, one behind the other.
template <class Scalar>
class Carver {
 public:
  explicit Carver(Scalar* block) : next_(block) {}

  Matrix<Scalar> take(Index rows, Index cols) { return take(rows, cols, cols); }
  Matrix<Scalar> take(Index rows, Index cols, Index stride) {
    const Matrix<Scalar> matrix(next_, rows, cols, stride);
    next_ += rows * stride;
    return matrix;
  }

 private:
  Scalar* next_;
};

// Scalars that the transposed copies take: their rows are padded to whole vectors.
template <class Scalar>
std::size_t transposed_size(const ModelShape& shape) {
  const Index n_embd = shape.n_embd;
  const Index width = shape.mlp_width();
  const Index layer =
      n_embd * kernels::padded<Scalar>(3 * n_embd) + n_embd * kernels::padded<Scalar>(n_embd) +
      n_embd * kernels::padded<Scalar>(width) + width * kernels::padded<Scalar>(n_embd);
  const Index head = n_embd * kernels::padded<Scalar>(shape.vocab_size);
  return static_cast<std::size_t>(head + shape.n_layer * layer);
}

}  // namespace

template <class Scalar>
Weights<Scalar>::Weights(const ModelShape& shape, Scalar* block)
    : wte(nullptr, 0, 0), wpe(nullptr, 0, 0), lm_head(nullptr, 0, 0) {
  const Index n_embd = shape.n_embd;
  Carver<Scalar> carver(block);
  wte = carver.take(shape.vocab_size, n_embd);
  wpe = carver.take(shape.block_size, n_embd);
  lm_head = carver.take(shape.vocab_size, n_embd);
  for (Index layer = 0; layer < shape.n_layer; ++layer) {
    const auto attn_wqkv = carver.take(3 * n_embd, n_embd);
    const auto attn_wo = carver.take(n_embd, n_embd);
    const auto mlp_fc1 = carver.take(shape.mlp_width(), n_embd);
    const auto mlp_fc2 = carver.take(n_embd, shape.mlp_width());
    layers.push_back({attn_wqkv, attn_wo, mlp_fc1, mlp_fc2});
  }
}

template <class Scalar>
TransposedWeights<Scalar>::TransposedWeights(const ModelShape& shape,
                                             const Weights<const Scalar>& weights)
    : buffer_(transposed_size<Scalar>(shape)), lm_head_(nullptr, 0, 0) {
  Carver<Scalar> carver(buffer_.data());
  const auto transposed = [&](Matrix<const Scalar> weight) {
    const auto copy = carver.take(weight.cols, weight.rows, kernels::padded<Scalar>(weight.rows));
    add_copy(weight, copy);
    return Matrix<const Scalar>(copy);
  };
  lm_head_ = transposed(weights.lm_head);
  for (const auto& layer : weights.layers) {
    const auto attn_wqkv = transposed(layer.attn_wqkv);
    const auto attn_wo = transposed(layer.attn_wo);
    const auto mlp_fc1 = transposed(layer.mlp_fc1);
    const auto mlp_fc2 = transposed(layer.mlp_fc2);
    layers_.push_back({attn_wqkv, attn_wo, mlp_fc1, mlp_fc2});
  }
}

template <class Scalar>
void TransposedWeights<Scalar>::add_copy(Matrix<const Scalar> from, Matrix<Scalar> to) {
  constexpr Index kRows = 64;
  for (Index row = 0; row < from.rows; row += kRows) {
    const Index count = std::min(kRows, from.rows - row);
    copies_.emplace_back(from.row_range(row, count), to.column_range(row, count));
  }
}

template <class Scalar>
void TransposedWeights<Scalar>::refresh(std::size_t piece) const {
  kernels::transpose(copies_[piece].first, copies_[piece].second);
}

template <class Scalar>
void TransposedWeights<Scalar>::refresh_all() const {
  for (std::size_t piece = 0; piece < pieces(); ++piece) refresh(piece);
}

template struct Weights<float>;
template struct Weights<double>;
template struct Weights<const float>;
template struct Weights<const double>;
template class TransposedWeights<float>;
template class TransposedWeights<double>;

}  // namespace microgpt
