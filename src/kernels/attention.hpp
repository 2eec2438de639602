// Causal multi-head attention of one document.
//
//   per head, for query t over the keys s <= t:
//     score = q_t · k_s / sqrt(head_size),  p = softmax(score),  out_t = Σ_s p_s v_s
//
// The probabilities are never stored: forward keeps only log Σ exp(score) of each row and head, and
// backward makes them again (Dao et al., FlashAttention, 2022). Queries are taken in blocks, so
// that scratch grows with the document's length, not with its square.
#pragma once

#include "kernels/product.hpp"
#include "microgpt/model.hpp"

namespace microgpt::kernels {

/// Memory for the blocks of one document of at most `max_length` positions.
template <class Scalar>
class AttentionScratch {
 public:
  AttentionScratch(Index max_length, Index head_size);

  static constexpr Index kQueryBlock = 32;

  /// Views for a document of `length` positions.
  Matrix<Scalar> key_transposed(Index length);    ///< head_size x length
  Matrix<Scalar> value_transposed(Index length);  ///< head_size x length
  Matrix<Scalar> probabilities(Index length);     ///< kQueryBlock x length
  Matrix<Scalar> d_scores(Index length);          ///< kQueryBlock x length

 private:
  Matrix<Scalar> view(Index first_row, Index rows, Index length);

  Index head_size_;
  Index stride_;
  AlignedBuffer<Scalar> buffer_;
};

/// qkv: n x 3C, queries, keys and values side by side; log_sum_exp: n x n_head; out: n x C.
template <class Scalar>
void attention(Matrix<const Scalar> qkv, Index n_head, AttentionScratch<Scalar>& scratch,
               Matrix<Scalar> log_sum_exp, Matrix<Scalar> out);

/// d_qkv = the gradient with respect to qkv, given d_out and what forward has kept.
template <class Scalar>
void attention_backward(Matrix<const Scalar> qkv, Index n_head, Matrix<const Scalar> log_sum_exp,
                        Matrix<const Scalar> d_out, AttentionScratch<Scalar>& scratch,
                        Matrix<Scalar> d_qkv);

}  // namespace microgpt::kernels
