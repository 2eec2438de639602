#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cross_entropy.hpp"
#include "kernels/rows.hpp"

namespace microgpt::kernels {
namespace {

// The columns of one head in a matrix that holds queries, keys and values side by side.
template <class Scalar>
struct Head {
  Matrix<Scalar> query, key, value;

  Head(Matrix<Scalar> qkv, Index head, Index head_size)
      : query(qkv.column_range(head * head_size, head_size)),
        key(qkv.column_range(qkv.cols / 3 + head * head_size, head_size)),
        value(qkv.column_range(qkv.cols / 3 * 2 + head * head_size, head_size)) {}
};

// Calls body(first, count) for each block of queries of a document of `length` positions.
template <class Body>
void for_query_blocks(Index length, Index block, Body&& body) {
  for (Index first = 0; first < length; first += block) {
    body(first, std::min(block, length - first));
  }
}

template <class Scalar>
void fill_rows(Matrix<Scalar> matrix, Scalar value) {
  for (Index r = 0; r < matrix.rows; ++r) std::fill_n(matrix.row(r), matrix.cols, value);
}

}  // namespace

template <class Scalar>
AttentionScratch<Scalar>::AttentionScratch(Index max_length, Index head_size)
    : head_size_(head_size),
      stride_(padded<Scalar>(max_length)),
      buffer_(static_cast<std::size_t>((2 * head_size + 2 * kQueryBlock) * stride_)) {}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::view(Index first_row, Index rows, Index length) {
  return {buffer_.data() + first_row * stride_, rows, length, stride_};
}
template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::key_transposed(Index length) {
  return view(0, head_size_, length);
}
template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::value_transposed(Index length) {
  return view(head_size_, head_size_, length);
}
template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::probabilities(Index length) {
  return view(2 * head_size_, kQueryBlock, length);
}
template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::d_scores(Index length) {
  return view(2 * head_size_ + kQueryBlock, kQueryBlock, length);
}

template <class Scalar>
void attention(Matrix<const Scalar> qkv, Index n_head, AttentionScratch<Scalar>& scratch,
               Matrix<Scalar> log_sum_exp, Matrix<Scalar> out) {
  const Index length = qkv.rows;
  const Index head_size = out.cols / n_head;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head_size));

  for (Index h = 0; h < n_head; ++h) {
    const Head<const Scalar> head(qkv, h, head_size);
    const auto out_head = out.column_range(h * head_size, head_size);
    const auto key_t = scratch.key_transposed(length);
    transpose<Scalar>(head.key, key_t);

    for_query_blocks(length, scratch.kQueryBlock, [&](Index first, Index count) {
      const Index visible = first + count;  // keys that any query of the block may see
      const auto weights = scratch.probabilities(visible).row_range(0, count);
      multiply<Scalar>(head.query.row_range(first, count), key_t.column_range(0, visible), weights);
      for (Index r = 0; r < count; ++r) {
        const Index t = first + r;
        Scalar maximum;
        const Scalar sum = exp_weights(weights.row(r), t + 1, scale, maximum);
        std::fill(weights.row(r) + t + 1, weights.row(r) + visible, Scalar{0});
        row_of(weights, r) /= sum;
        log_sum_exp.row(t)[h] = maximum * scale + std::log(sum);
      }
      multiply<Scalar>(weights, head.value.row_range(0, visible), out_head.row_range(first, count));
    });
  }
}

template <class Scalar>
void attention_backward(Matrix<const Scalar> qkv, Index n_head, Matrix<const Scalar> log_sum_exp,
                        Matrix<const Scalar> d_out, AttentionScratch<Scalar>& scratch,
                        Matrix<Scalar> d_qkv) {
  const Index length = qkv.rows;
  const Index head_size = d_out.cols / n_head;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head_size));

  for (Index h = 0; h < n_head; ++h) {
    const Head<const Scalar> head(qkv, h, head_size);
    const Head<Scalar> d_head(d_qkv, h, head_size);
    const auto d_out_head = d_out.column_range(h * head_size, head_size);
    const auto key_t = scratch.key_transposed(length);
    const auto value_t = scratch.value_transposed(length);
    transpose<Scalar>(head.key, key_t);
    transpose<Scalar>(head.value, value_t);
    fill_rows(d_head.key, Scalar{0});
    fill_rows(d_head.value, Scalar{0});

    for_query_blocks(length, scratch.kQueryBlock, [&](Index first, Index count) {
      const Index visible = first + count;
      const auto query = head.query.row_range(first, count);
      const auto d_out_block = d_out_head.row_range(first, count);
      const auto p = scratch.probabilities(visible).row_range(0, count);
      const auto d_score = scratch.d_scores(visible).row_range(0, count);
      multiply<Scalar>(query, key_t.column_range(0, visible), p);
      multiply<Scalar>(d_out_block, value_t.column_range(0, visible), d_score);  // dp for now
      for (Index r = 0; r < count; ++r) {
        const Index t = first + r;
        const Index width = padded<Scalar>(visible);
        std::fill(p.row(r) + visible, p.row(r) + width, Scalar{0});
        Row<Scalar> p_row(p.row(r), width);
        p_row = (p_row * scale - log_sum_exp.row(t)[h]).exp();
        std::fill(p.row(r) + t + 1, p.row(r) + width, Scalar{0});
        std::fill(d_score.row(r) + t + 1, d_score.row(r) + width, Scalar{0});
        // d_score = p · (dp - Σ_s p_s dp_s): the gradient of softmax.
        Row<Scalar> dp_row(d_score.row(r), width);
        const Scalar mean = (p_row * dp_row).sum();
        dp_row = p_row * (dp_row - mean) * scale;
      }
      multiply<Scalar>(d_score, head.key.row_range(0, visible),
                       d_head.query.row_range(first, count));
      multiply_transposed_add<Scalar>(d_score, query, d_head.key.row_range(0, visible));
      multiply_transposed_add<Scalar>(p, d_out_block, d_head.value.row_range(0, visible));
    });
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                              \
  template class AttentionScratch<Scalar>;                                                        \
  template void attention(Matrix<const Scalar>, Index, AttentionScratch<Scalar>&, Matrix<Scalar>, \
                          Matrix<Scalar>);                                                        \
  template void attention_backward(Matrix<const Scalar>, Index, Matrix<const Scalar>,             \
                                   Matrix<const Scalar>, AttentionScratch<Scalar>&,               \
                                   Matrix<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
