#include "model/weights.hpp"

namespace microgpt {
namespace {

// Hands out matrices from a block, one behind the other.
template <class Scalar>
class Carver {
 public:
  explicit Carver(Scalar* block) : next_(block) {}

  Matrix<Scalar> take(Index rows, Index cols) {
    const Matrix<Scalar> matrix(next_, rows, cols);
    next_ += rows * cols;
    return matrix;
  }

 private:
  Scalar* next_;
};

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

template struct Weights<float>;
template struct Weights<double>;
template struct Weights<const float>;
template struct Weights<const double>;

}  // namespace microgpt
