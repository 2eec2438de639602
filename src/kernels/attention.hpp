// Causal multi-head attention over packed documents.
//
//   per head, for query t over the keys s <= t of its own document:
//     score = q_t · k_s / sqrt(head_size),  p = softmax(score),  out_t = Σ_s p_s v_s
//
// Matrices are features x positions. There are two ways, and the length that documents may have
// says which: short ones are taken by distance, all of a vector together; long ones one by one, in
// tiles. Each has a file of its own.
//
// Forward keeps two terms of each query's softmax, from which backward makes the probabilities
// again, and a query's Σ p dp is taken as d_out · out (Dao et al., FlashAttention, 2022).
#pragma once

#include <cmath>
#include <span>

#include "kernels/matrix.hpp"
#include "kernels/simd.hpp"
#include "microgpt/aligned_buffer.hpp"

namespace microgpt::kernels {

/// Distances are taken four at a time.
inline constexpr Index kDistanceGroup = 4;
constexpr Index whole_groups(Index distances) {
  return (distances + kDistanceGroup - 1) / kDistanceGroup * kDistanceGroup;
}

/// What scores are multiplied by: 1 / √head_size.
template <class Scalar>
Scalar score_scale(Index head_size) {
  return 1 / std::sqrt(static_cast<Scalar>(head_size));
}

/// Documents that lie end to end.
template <class Scalar>
struct PackedPositions {
  /// Of each document, in positions.
  std::span<const Index> lengths;
  /// For each column its place in its document, from 0; 0 in columns behind the last position.
  const Scalar* place;
  /// For each vector of columns the distances that its queries look back over, in whole groups.
  const Index* distances;
  /// The largest of those.
  Index most_distances;
};

/// Memory of one worker for scores, their exponentials and their gradients. Where documents are
/// short, the exponentials of all heads' softmaxes are kept from forward to backward.
template <class Scalar>
class AttentionScratch {
 public:
  /// For documents of at most `max_length` positions, and `max_columns` columns.
  AttentionScratch(Index max_length, Index max_columns, Index n_head);

  /// Scalars in its buffer.
  [[nodiscard]] static Index size(Index max_length, Index max_columns, Index n_head);

  /// Whether documents are taken by distance. Then backward finds the exponentials that forward has
  /// left: no other attention's forward may come between, and each layer wants scratch of its own.
  [[nodiscard]] static bool by_distance(Index max_length) { return max_length <= kShort; }
  [[nodiscard]] bool by_distance() const { return by_distance(max_length_); }

  /// By distance: distances x positions, with a vector more behind each row.
  [[nodiscard]] Matrix<Scalar> exponentials(Index columns, Index head);
  [[nodiscard]] Matrix<Scalar> d_scores(Index columns);

  /// In tiles: three of them, of up to kTileQueries queries and all keys of a document; by key they
  /// are keys x queries, by query queries x keys. Rows have room for whole vectors.
  static constexpr Index kTileQueries = 32;
  [[nodiscard]] Matrix<Scalar> tile_by_key(Index keys, Index queries);
  [[nodiscard]] Matrix<Scalar> tile_by_query(Index queries, Index keys);
  [[nodiscard]] Matrix<Scalar> d_tile_by_query(Index queries, Index keys);

 private:
  // Long enough for names: a tile for each is slower there.
  static constexpr Index kShort = 32;

  Index max_length_;
  Index part_;  // scalars of a head's distances, or of a tile
  AlignedBuffer<Scalar> buffer_;
};

/// qkv: 3C x positions, queries above keys above values; softmax_terms: 2 n_head x positions, for
/// each head the largest score, before scaling, and 1 / Σ exp(score - largest); out: C x positions.
/// The number of columns is a multiple of the vector's lanes; those of `out` behind the last
/// position become finite numbers. At least 2 · lanes scalars in front of the keys can be read.
template <class Scalar>
void attention(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed, Index n_head,
               AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& softmax_terms,
               const Matrix<Scalar>& out);

/// d_qkv = the gradient with respect to qkv, given d_out and what forward has left. What d_out
/// holds afterwards has no meaning. At least 2 · lanes scalars behind qkv and d_out can be read.
template <class Scalar>
void attention_backward(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                        Index n_head, const Matrix<const Scalar>& softmax_terms,
                        const Matrix<const Scalar>& out, const Matrix<Scalar>& d_out,
                        AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv);

}  // namespace microgpt::kernels
