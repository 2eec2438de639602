// The transformer for one position at a time: keys and values of the positions before are kept
// (a KV cache), so that a new token costs one row instead of a whole document.
#pragma once

#include <span>
#include <vector>

#include "generation/transposed_weights.hpp"
#include "microgpt/tokenizer.hpp"
#include "model/weights.hpp"

namespace microgpt {

template <class Scalar>
class Decoder {
 public:
  /// The weights outlive the decoder.
  Decoder(const ModelShape& shape, const Weights<const Scalar>& weights,
          const TransposedWeights<Scalar>& transposed);
  // Its matrices are views of its buffer.
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Forgets all positions.
  void reset() { position_ = 0; }
  /// Positions fed since the last reset; at most block_size.
  [[nodiscard]] Index position() const { return position_; }

  /// Feeds the next token and returns the logits of its successor, valid until the next call.
  /// position() < block_size.
  [[nodiscard]] std::span<const Scalar> feed(Token token);

 private:
  struct LayerCache {
    Matrix<Scalar> key_transposed;  ///< C x block_size: the keys of position t are column t
    Matrix<Scalar> value;           ///< block_size x C
  };

  Matrix<Scalar> take(Index rows, Index cols);
  void attend(const LayerCache& cache);

  const ModelShape& shape_;
  const Weights<const Scalar>& weights_;
  const TransposedWeights<Scalar>& transposed_;
  Index position_ = 0;

  AlignedBuffer<Scalar> buffer_;
  Scalar* next_;
  // One row each, but for the scores: a row for each head.
  Matrix<Scalar> residual_;
  Matrix<Scalar> normed_;
  Matrix<Scalar> qkv_;
  Matrix<Scalar> scores_;
  Matrix<Scalar> attended_;
  Matrix<Scalar> hidden_;
  Matrix<Scalar> logits_;
  std::vector<LayerCache> layers_;
};

}  // namespace microgpt
