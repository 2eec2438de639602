// The two ways of attention.hpp, and what they share.
#pragma once

#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/attention.hpp"

namespace microgpt::kernels {

/// By distance: documents of any length stand side by side in a vector of queries, and keys are
/// taken by their distance to the query. Arguments as in attention.hpp.
template <class Scalar>
void attention_by_distance(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                           Index n_head, AttentionScratch<Scalar>& scratch,
                           const Matrix<Scalar>& softmax_terms, const Matrix<Scalar>& out);
template <class Scalar>
void attention_backward_by_distance(const Matrix<const Scalar>& qkv,
                                    const PackedPositions<Scalar>& packed, Index n_head,
                                    const Matrix<const Scalar>& softmax_terms,
                                    const Matrix<const Scalar>& out, const Matrix<Scalar>& d_out,
                                    AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv);

/// In tiles: document by document, some queries and all keys that they see at a time, by matrix
/// products.
template <class Scalar>
void attention_in_tiles(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                        Index n_head, AttentionScratch<Scalar>& scratch,
                        const Matrix<Scalar>& softmax_terms, const Matrix<Scalar>& out);
template <class Scalar>
void attention_backward_in_tiles(const Matrix<const Scalar>& qkv,
                                 const PackedPositions<Scalar>& packed, Index n_head,
                                 const Matrix<const Scalar>& softmax_terms,
                                 const Matrix<const Scalar>& out, const Matrix<const Scalar>& d_out,
                                 AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv);

/// The score of a key that a query may not see: exp makes it 0.
template <class Scalar>
inline constexpr Scalar kUnseen = -std::numeric_limits<Scalar>::infinity();

/// exp(score / √head_size) = 2^(score · binary_scale).
template <class Scalar>
Scalar binary_scale(Index head_size) {
  return static_cast<Scalar>(std::numbers::log2e / std::sqrt(static_cast<double>(head_size)));
}

/// The rows of one head in a matrix that holds queries, keys and values one above the other.
template <class Scalar>
struct Head {
  Matrix<Scalar> query, key, value;

  Head(const Matrix<Scalar>& qkv, Index head, Index head_size)
      : query(qkv.row_range(head * head_size, head_size)),
        key(qkv.row_range(qkv.rows / 3 + head * head_size, head_size)),
        value(qkv.row_range(qkv.rows / 3 * 2 + head * head_size, head_size)) {}
};

}  // namespace microgpt::kernels
