// Views of one block of parameters, or of gradients, as the transformer uses them.
#pragma once

#include <vector>

#include "kernels/matrix.hpp"
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

}  // namespace microgpt
