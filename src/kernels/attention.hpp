// Causal multi-head attention over packed documents.
//
//   per head, for query t over the keys s <= t of its own document:
//     score = q_t · k_s / sqrt(head_size),  p = softmax(score),  out_t = Σ_s p_s v_s
//
// Queries are taken in blocks of one vector, one query a lane, whatever documents they belong to:
// scores, softmax and their gradients then are sums down the keys, with no sum across a vector, and
// short documents fill the lanes as well as long ones. What a query may not see is masked.
//
// The probabilities are never stored: forward keeps only log Σ exp(score) of each row and head, and
// backward makes them again (Dao et al., FlashAttention, 2022).
#pragma once

#include <span>

#include "kernels/product.hpp"
#include "kernels/simd.hpp"
#include "microgpt/aligned_buffer.hpp"

namespace microgpt::kernels {

/// Memory for the blocks of one worker.
template <class Scalar>
class AttentionScratch {
 public:
  /// For documents of at most `max_length` positions.
  AttentionScratch(Index max_length, Index n_embd);

  /// Scalars in its buffer.
  [[nodiscard]] static Index size(Index max_length, Index n_embd);

  /// Queries in a block.
  static constexpr Index kBlock = kLanes<Scalar>;

  /// Views with a lane for each query of a block, for `keys` keys that any of them may see.
  [[nodiscard]] Matrix<Scalar> query_transposed() { return view(0, n_embd_); }
  [[nodiscard]] Matrix<Scalar> d_out_transposed() { return view(n_embd_, n_embd_); }
  [[nodiscard]] Matrix<Scalar> result_transposed() { return view(2 * n_embd_, n_embd_); }
  [[nodiscard]] Matrix<Scalar> mask(Index keys) { return view(3 * n_embd_, keys); }
  [[nodiscard]] Matrix<Scalar> weights(Index keys) { return view(3 * n_embd_ + max_keys_, keys); }
  [[nodiscard]] Matrix<Scalar> d_scores(Index keys) {
    return view(3 * n_embd_ + 2 * max_keys_, keys);
  }

 private:
  Matrix<Scalar> view(Index first_row, Index count) {
    return {buffer_.data() + first_row * kBlock, count, kBlock};
  }

  Index n_embd_;
  Index max_keys_;
  AlignedBuffer<Scalar> buffer_;
};

/// Columns that a matrix of one number for each row of a piece needs, since blocks are stored
/// whole.
template <class Scalar>
constexpr Index whole_blocks(Index rows) {
  return padded<Scalar>(rows) + kLanes<Scalar>;
}

/// qkv: n x 3C, queries, keys and values side by side; document_start[row]: the first row of the
/// document that the row belongs to; log_sum_exp: n_head x whole_blocks(n); out: n x C.
template <class Scalar>
void attention(Matrix<const Scalar> qkv, std::span<const Index> document_start, Index n_head,
               AttentionScratch<Scalar>& scratch, Matrix<Scalar> log_sum_exp, Matrix<Scalar> out);

/// d_qkv = the gradient with respect to qkv, given d_out and what forward has kept.
template <class Scalar>
void attention_backward(Matrix<const Scalar> qkv, std::span<const Index> document_start,
                        Index n_head, Matrix<const Scalar> log_sum_exp, Matrix<const Scalar> d_out,
                        AttentionScratch<Scalar>& scratch, Matrix<Scalar> d_qkv);

}  // namespace microgpt::kernels
