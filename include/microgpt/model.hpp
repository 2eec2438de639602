// The model's shape and its parameters: GPT-2 with RMSNorm without gain, no biases, no weight
// tying.
//
//   x_t    = rmsnorm(wte[token_t] + wpe[t])
//   layer:   x = x + attn_wo · MHA(rmsnorm(x));  x = x + mlp_fc2 · act(mlp_fc1 · rmsnorm(x))
//   logits = lm_head · x_t
//
// All parameters lie in one aligned block, tensor behind tensor, so that the all-reduce, Adam,
// clipping and checkpoints are one loop; names and shapes are views on it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "microgpt/aligned_buffer.hpp"
#include "microgpt/config.hpp"
#include "microgpt/random.hpp"

namespace microgpt {

struct ModelShape {
  std::int64_t vocab_size = 0;
  std::int64_t n_layer = 0;
  std::int64_t n_embd = 0;
  std::int64_t n_head = 0;
  std::int64_t block_size = 0;
  Activation activation = Activation::relu_squared;

  [[nodiscard]] std::int64_t head_size() const { return n_embd / n_head; }
  [[nodiscard]] std::int64_t mlp_width() const { return 4 * n_embd; }
  bool operator==(const ModelShape&) const = default;
};

[[nodiscard]] ModelShape model_shape(const Config& config, std::int64_t vocab_size);

/// One matrix [rows][cols] = [out][in], row-major, `offset` scalars into the block.
struct TensorSpec {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t offset = 0;

  [[nodiscard]] std::int64_t size() const { return rows * cols; }
};

/// Where each tensor lies: wte, wpe, lm_head, then for each layer attn_wq, attn_wk, attn_wv,
/// attn_wo, mlp_fc1, mlp_fc2. Nothing is padded: size() is the number of parameters.
class ParameterLayout {
 public:
  /// Throws InputError where the number of parameters does not fit into 63 bits.
  explicit ParameterLayout(const ModelShape& shape);

  [[nodiscard]] const std::vector<TensorSpec>& tensors() const { return tensors_; }
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  std::vector<TensorSpec> tensors_;
  std::int64_t size_ = 0;
};

/// What a training run holds of a model: its parameters and Adam's two moments, laid out alike.
template <class Scalar>
struct ModelState {
  explicit ModelState(const ParameterLayout& layout)
      : ModelState(layout, static_cast<std::size_t>(layout.size())) {}

  /// With room for `moments` of each moment, where other processes keep the rest of them.
  ModelState(const ParameterLayout& layout, std::size_t moments)
      : parameters(static_cast<std::size_t>(layout.size())), m(moments), v(moments) {}

  AlignedBuffer<Scalar> parameters;
  AlignedBuffer<Scalar> m;
  AlignedBuffer<Scalar> v;
};

/// In a run's precision: its config says which.
using AnyModelState = std::variant<ModelState<float>, ModelState<double>>;

/// Draws every parameter in order with gauss(0, init_std); with `zero_init_residual` attn_wo and
/// mlp_fc2 draw gauss(0, 0), so that the stream stays aligned.
template <class Scalar>
void initialize_parameters(const ParameterLayout& layout, double init_std, bool zero_init_residual,
                           PythonRandom& random, std::span<Scalar> parameters);

}  // namespace microgpt
