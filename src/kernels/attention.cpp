#include "kernels/attention.hpp"

#include "kernels/attention_ways.hpp"

namespace microgpt::kernels {
namespace {

// By distance: behind the columns stand zeros, since a key at the end of a piece has no queries
// ahead.
template <class Scalar>
Index stride_by_distance(Index columns) {
  return columns + kLanes<Scalar>;
}

template <class Scalar>
Index part_size(Index max_length, Index max_columns) {
  if (AttentionScratch<Scalar>::by_distance(max_length)) {
    return whole_groups(max_length) * stride_by_distance<Scalar>(max_columns);
  }
  return AttentionScratch<Scalar>::kTileQueries * padded<Scalar>(max_length);
}

}  // namespace

template <class Scalar>
Index AttentionScratch<Scalar>::size(Index max_length, Index max_columns, Index n_head) {
  const Index parts = by_distance(max_length) ? n_head + 1 : 3;
  return parts * part_size<Scalar>(max_length, max_columns);
}

template <class Scalar>
AttentionScratch<Scalar>::AttentionScratch(Index max_length, Index max_columns, Index n_head)
    : max_length_(max_length),
      part_(part_size<Scalar>(max_length, max_columns)),
      buffer_(static_cast<std::size_t>(size(max_length, max_columns, n_head))) {}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::exponentials(Index columns, Index head) {
  Scalar* const data = buffer_.data() + (head + 1) * part_;
  return {data, whole_groups(max_length_), columns, stride_by_distance<Scalar>(columns)};
}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::d_scores(Index columns) {
  return {buffer_.data(), whole_groups(max_length_), columns, stride_by_distance<Scalar>(columns)};
}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::tile_by_key(Index keys, Index queries) {
  return {buffer_.data(), keys, queries, kTileQueries};
}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::tile_by_query(Index queries, Index keys) {
  return {buffer_.data() + part_, queries, keys, padded<Scalar>(max_length_)};
}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::d_tile_by_query(Index queries, Index keys) {
  return {buffer_.data() + 2 * part_, queries, keys, padded<Scalar>(max_length_)};
}

template <class Scalar>
void attention(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed, Index n_head,
               AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& softmax_terms,
               const Matrix<Scalar>& out) {
  if (scratch.by_distance()) {
    attention_by_distance(qkv, packed, n_head, scratch, softmax_terms, out);
  } else {
    attention_in_tiles(qkv, packed, n_head, scratch, softmax_terms, out);
  }
}

template <class Scalar>
void attention_backward(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                        Index n_head, const Matrix<const Scalar>& softmax_terms,
                        const Matrix<const Scalar>& out, const Matrix<Scalar>& d_out,
                        AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv) {
  if (scratch.by_distance()) {
    attention_backward_by_distance<Scalar>(qkv, packed, n_head, softmax_terms, out, d_out, scratch,
                                           d_qkv);
  } else {
    attention_backward_in_tiles<Scalar>(qkv, packed, n_head, softmax_terms, out, d_out, scratch,
                                        d_qkv);
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                            \
  template class AttentionScratch<Scalar>;                                                      \
  template void attention(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, Index,   \
                          AttentionScratch<Scalar>&, const Matrix<Scalar>&,                     \
                          const Matrix<Scalar>&);                                               \
  template void attention_backward(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, \
                                   Index, const Matrix<const Scalar>&,                          \
                                   const Matrix<const Scalar>&, const Matrix<Scalar>&,          \
                                   AttentionScratch<Scalar>&, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
