// Transposed copies of the weights. The decoder's one position is a row of features, and
// xᵀ · Wᵀ then reads rows of Wᵀ, where W · x would sum across vectors.
#pragma once

#include "microgpt/aligned_buffer.hpp"
#include "model/weights.hpp"

namespace microgpt {

template <class Scalar>
class TransposedWeights {
 public:
  /// Copies the weights as they are now.
  TransposedWeights(const ModelShape& shape, const Weights<const Scalar>& weights);

  [[nodiscard]] Matrix<const Scalar> lm_head() const { return lm_head_; }  ///< C x vocab
  [[nodiscard]] const LayerWeights<const Scalar>& layer(std::size_t index) const {
    return layers_[index];
  }

 private:
  Matrix<const Scalar> transposed(Matrix<const Scalar> weight);

  AlignedBuffer<Scalar> buffer_;
  Scalar* next_;
  Matrix<const Scalar> lm_head_;
  std::vector<LayerWeights<const Scalar>> layers_;
};

}  // namespace microgpt
