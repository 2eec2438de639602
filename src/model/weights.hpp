// Views of one block of parameters, or of gradients, as the transformer uses them; and the
// transposed copies that forward multiplies by.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "kernels/product.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

using kernels::Index;
using kernels::Matrix;

/// The matrices of one layer, C = n_embd. Queries, keys and values are one matrix: attn_wq, attn_wk
/// and attn_wv follow each other in the block.
template <class Scalar>
struct LayerWeights {
  Matrix<Scalar> attn_wqkv;  ///< 3C x C
  Matrix<Scalar> attn_wo;    ///< C x C
  Matrix<Scalar> mlp_fc1;    ///< 4C x C
  Matrix<Scalar> mlp_fc2;    ///< C x 4C
};

/// All matrices of a block laid out as ParameterLayout says.
template <class Scalar>
struct Weights {
  Weights(const ModelShape& shape, Scalar* block);

  Matrix<Scalar> wte;      ///< vocab x C
  Matrix<Scalar> wpe;      ///< block_size x C
  Matrix<Scalar> lm_head;  ///< vocab x C
  std::vector<LayerWeights<Scalar>> layers;
};

/// y = x · Wᵀ reads W by columns; a transposed copy, made once a step, lets the product read rows.
template <class Scalar>
class TransposedWeights {
 public:
  TransposedWeights(const ModelShape& shape, const Weights<const Scalar>& weights);

  [[nodiscard]] Matrix<const Scalar> lm_head() const { return lm_head_; }  ///< C x vocab
  [[nodiscard]] const LayerWeights<const Scalar>& layer(std::size_t index) const {
    return layers_[index];
  }

  /// Copying is cut into pieces of similar size, so that workers can share it.
  [[nodiscard]] std::size_t pieces() const { return copies_.size(); }
  /// Copies one piece anew from the weights.
  void refresh(std::size_t piece) const;
  void refresh_all() const;

 private:
  void add_copy(Matrix<const Scalar> from, Matrix<Scalar> to);

  AlignedBuffer<Scalar> buffer_;
  Matrix<const Scalar> lm_head_;
  std::vector<LayerWeights<const Scalar>> layers_;
  std::vector<std::pair<Matrix<const Scalar>, Matrix<Scalar>>> copies_;
};

}  // namespace microgpt
