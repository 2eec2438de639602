// Causal multi-head attention over packed documents.
//
//   per head, for query t over the keys s <= t of its own document:
//     score = q_t · k_s / sqrt(head_size),  p = softmax(score),  out_t = Σ_s p_s v_s
//
// Matrices are features x positions, and a vector holds one feature of neighbouring positions, one
// query a lane. Keys are taken by their distance to the query: the keys at distance d of a vector
// of queries are the vector that begins d positions earlier. So scores, softmax and their gradients
// are sums over distances, with no sum across a vector and nothing transposed, and documents of any
// length may stand side by side: a lane only takes part in distances up to its place in its own.
//
// The probabilities of long documents are never stored: forward keeps only two terms of each
// query's softmax, and backward makes them again. It takes a query's Σ p dp as d_out · out (Dao et
// al., FlashAttention, 2022).
#pragma once

#include "kernels/product.hpp"
#include "kernels/simd.hpp"
#include "microgpt/aligned_buffer.hpp"

namespace microgpt::kernels {

/// Distances are taken four at a time.
inline constexpr Index kDistanceGroup = 4;
constexpr Index whole_groups(Index distances) {
  return (distances + kDistanceGroup - 1) / kDistanceGroup * kDistanceGroup;
}

/// Documents that lie end to end.
template <class Scalar>
struct PackedPositions {
  /// For each column its place in its document, from 0; 0 in columns behind the last position.
  const Scalar* place;
  /// For each vector of columns the distances that its queries look back over, in whole groups.
  const Index* distances;
  /// The largest of those.
  Index most_distances;
};

/// Memory of one worker for what attention has by distance: distances x positions. Where documents
/// are short, the exponentials of all heads' softmaxes are kept from forward to backward.
template <class Scalar>
class AttentionScratch {
 public:
  /// For documents of at most `max_length` positions, and `max_columns` columns.
  AttentionScratch(Index max_length, Index max_columns, Index n_head);

  /// Scalars in its buffer.
  [[nodiscard]] static Index size(Index max_length, Index max_columns, Index n_head);

  /// Whether backward finds the exponentials that forward has left; then no other attention's
  /// forward may come between, and each layer wants scratch of its own.
  [[nodiscard]] static bool keeps(Index max_length) { return max_length <= kKeptLength; }

  /// The same for all heads, unless they are kept.
  [[nodiscard]] Matrix<Scalar> probabilities(Index columns, Index head);
  [[nodiscard]] Matrix<Scalar> d_scores(Index columns);

  [[nodiscard]] bool keeps() const { return keeps_; }

 private:
  static constexpr Index kKeptLength = 16;

  bool keeps_;
  Index max_distances_;
  Index of_a_head_;  // scalars
  AlignedBuffer<Scalar> buffer_;
};

/// qkv: 3C x positions, queries above keys above values; softmax_terms: 2 n_head x positions, for
/// each head the largest score, before scaling, and 1 / Σ exp(score - largest); out: C x positions.
/// The number of columns is a multiple of the vector's lanes. At least 2 · lanes scalars in front
/// of the keys can be read.
template <class Scalar>
void attention(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed, Index n_head,
               AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& softmax_terms,
               const Matrix<Scalar>& out);

/// d_qkv = the gradient with respect to qkv, given d_out and what forward has left. At least
/// 2 · lanes scalars behind qkv and d_out can be read.
template <class Scalar>
void attention_backward(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                        Index n_head, const Matrix<const Scalar>& softmax_terms,
                        const Matrix<const Scalar>& out, const Matrix<const Scalar>& d_out,
                        AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv);

}  // namespace microgpt::kernels
