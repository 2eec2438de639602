#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/rows.hpp"

namespace microgpt::kernels {
namespace {

// One number for each query of a block.
template <class Scalar>
using Lanes = Eigen::Array<Scalar, static_cast<int>(kLanes<Scalar>), 1>;
template <class Scalar>
using LanesIn = Eigen::Map<Lanes<Scalar>, kRowAlignment>;

template <class Scalar>
LanesIn<Scalar> lanes(Matrix<Scalar> matrix, Index row) {
  return LanesIn<Scalar>(matrix.row(row));
}

// The columns of one head in a matrix that holds queries, keys and values side by side.
template <class Scalar>
struct Head {
  Matrix<Scalar> query, key, value;

  Head(Matrix<Scalar> qkv, Index head, Index head_size)
      : query(qkv.column_range(head * head_size, head_size)),
        key(qkv.column_range(qkv.cols / 3 + head * head_size, head_size)),
        value(qkv.column_range(qkv.cols / 3 * 2 + head * head_size, head_size)) {}
};

// Queries first_query .. first_query + queries - 1, and the keys that any of them may see, which
// reach from the start of the first query's document to the last query.
struct Block {
  Index first_query;
  Index queries;
  Index first_key;
  Index keys;
};

// Calls body(block) for each block of queries.
template <class Scalar, class Body>
void for_blocks(std::span<const Index> document_start, Body&& body) {
  const auto rows = static_cast<Index>(document_start.size());
  for (Index first = 0; first < rows; first += kLanes<Scalar>) {
    const Index queries = std::min(kLanes<Scalar>, rows - first);
    const Index first_key = document_start[static_cast<std::size_t>(first)];
    body(Block{first, queries, first_key, first + queries - first_key});
  }
}

// to (n x lanes) = fromᵀ; lanes without a query are 0.
template <class Scalar>
void transpose_block(Matrix<const Scalar> from, Matrix<Scalar> to) {
  if (from.rows < to.cols) std::fill_n(to.data, to.rows * to.stride, Scalar{0});
  transpose<Scalar>(from, to);
}

// mask[key][lane] = 1 where the lane's query may see the key, else 0. A lane without a query sees
// all: its numbers are finite, and go nowhere.
template <class Scalar>
void fill_mask(const Block& block, std::span<const Index> document_start, Matrix<Scalar> mask) {
  for (Index lane = 0; lane < kLanes<Scalar>; ++lane) {
    const Index query = block.first_query + lane;
    const bool used = lane < block.queries;
    const Index first = used ? document_start[static_cast<std::size_t>(query)] : block.first_key;
    const Index last = used ? query : block.first_key + block.keys - 1;
    for (Index k = 0; k < block.keys; ++k) {
      const Index key = block.first_key + k;
      mask.row(k)[lane] = first <= key && key <= last ? Scalar{1} : Scalar{0};
    }
  }
}

// score = q · k for each key and lane, and far below every other where the mask is 0.
template <class Scalar>
void masked_scores(Matrix<const Scalar> key, Matrix<const Scalar> query_t, Matrix<Scalar> mask,
                   Matrix<Scalar> scores) {
  multiply<Scalar>(key, query_t, scores);
  constexpr auto kFar = static_cast<Scalar>(1e30);
  for (Index k = 0; k < scores.rows; ++k) {
    auto score = lanes(scores, k);
    score = score * lanes(mask, k) + (lanes(mask, k) - 1) * kFar;
  }
}

}  // namespace

template <class Scalar>
Index AttentionScratch<Scalar>::size(Index max_length, Index n_embd) {
  return (3 * n_embd + 3 * (max_length + kBlock)) * kBlock;
}

template <class Scalar>
AttentionScratch<Scalar>::AttentionScratch(Index max_length, Index n_embd)
    : n_embd_(n_embd),
      max_keys_(max_length + kBlock),
      buffer_(static_cast<std::size_t>(size(max_length, n_embd))) {}

template <class Scalar>
void attention(Matrix<const Scalar> qkv, std::span<const Index> document_start, Index n_head,
               AttentionScratch<Scalar>& scratch, Matrix<Scalar> log_sum_exp, Matrix<Scalar> out) {
  const Index n_embd = out.cols;
  const Index head_size = n_embd / n_head;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head_size));
  const auto query_t = scratch.query_transposed();
  const auto out_t = scratch.result_transposed();

  for_blocks<Scalar>(document_start, [&](const Block& block) {
    const auto mask = scratch.mask(block.keys);
    const auto weights = scratch.weights(block.keys);
    fill_mask(block, document_start, mask);
    transpose_block<Scalar>(qkv.column_range(0, n_embd).row_range(block.first_query, block.queries),
                            query_t);

    for (Index h = 0; h < n_head; ++h) {
      const Head<const Scalar> head(qkv, h, head_size);
      const auto out_t_head = out_t.row_range(h * head_size, head_size);
      masked_scores<Scalar>(head.key.row_range(block.first_key, block.keys),
                            query_t.row_range(h * head_size, head_size), mask, weights);
      Lanes<Scalar> maximum = lanes(weights, 0);
      for (Index k = 1; k < block.keys; ++k) maximum = maximum.max(lanes(weights, k));
      Lanes<Scalar> sum = Lanes<Scalar>::Zero();
      for (Index k = 0; k < block.keys; ++k) {
        auto weight = lanes(weights, k);
        weight = ((weight - maximum) * scale).exp() * lanes(mask, k);
        sum += weight;
      }
      multiply_transposed<Scalar>(head.value.row_range(block.first_key, block.keys), weights,
                                  out_t_head);
      for (Index i = 0; i < head_size; ++i) lanes(out_t_head, i) /= sum;
      const Lanes<Scalar> log_sum = maximum * scale + sum.log();
      std::copy_n(log_sum.data(), kLanes<Scalar>, log_sum_exp.row(h) + block.first_query);
    }
    transpose<Scalar>(out_t.column_range(0, block.queries),
                      out.row_range(block.first_query, block.queries));
  });
}

template <class Scalar>
void attention_backward(Matrix<const Scalar> qkv, std::span<const Index> document_start,
                        Index n_head, Matrix<const Scalar> log_sum_exp, Matrix<const Scalar> d_out,
                        AttentionScratch<Scalar>& scratch, Matrix<Scalar> d_qkv) {
  const Index n_embd = d_out.cols;
  const Index head_size = n_embd / n_head;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head_size));
  const auto query_t = scratch.query_transposed();
  const auto d_out_t = scratch.d_out_transposed();
  const auto d_query_t = scratch.result_transposed();
  // Keys and values gather gradients from several blocks.
  for (Index r = 0; r < d_qkv.rows; ++r) std::fill_n(d_qkv.row(r) + n_embd, 2 * n_embd, Scalar{0});

  for_blocks<Scalar>(document_start, [&](const Block& block) {
    const auto mask = scratch.mask(block.keys);
    const auto p = scratch.weights(block.keys);
    const auto d_score = scratch.d_scores(block.keys);
    const auto block_rows = [&](auto matrix) {
      return matrix.row_range(block.first_query, block.queries);
    };
    const auto key_rows = [&](auto matrix) {
      return matrix.row_range(block.first_key, block.keys);
    };
    fill_mask(block, document_start, mask);
    transpose_block<Scalar>(block_rows(qkv.column_range(0, n_embd)), query_t);
    transpose_block<Scalar>(block_rows(d_out), d_out_t);

    for (Index h = 0; h < n_head; ++h) {
      const Head<const Scalar> head(qkv, h, head_size);
      const Head<Scalar> d_head(d_qkv, h, head_size);
      const auto of_head = [&](auto matrix) { return matrix.row_range(h * head_size, head_size); };
      masked_scores<Scalar>(key_rows(head.key), of_head(query_t), mask, p);
      multiply<Scalar>(key_rows(head.value), of_head(d_out_t), d_score);  // dp for now
      Lanes<Scalar> log_sum;
      std::copy_n(log_sum_exp.row(h) + block.first_query, kLanes<Scalar>, log_sum.data());
      // d_score = p · (dp - Σ_s p_s dp_s): the gradient of softmax.
      Lanes<Scalar> mean = Lanes<Scalar>::Zero();
      for (Index k = 0; k < block.keys; ++k) {
        auto weight = lanes(p, k);
        weight = (weight * scale - log_sum).exp() * lanes(mask, k);
        mean += weight * lanes(d_score, k);
      }
      for (Index k = 0; k < block.keys; ++k) {
        auto gradient = lanes(d_score, k);
        gradient = lanes(p, k) * (gradient - mean) * scale;
      }
      multiply_transposed<Scalar>(key_rows(head.key), d_score, of_head(d_query_t));
      multiply_add<Scalar>(d_score.column_range(0, block.queries), block_rows(head.query),
                           key_rows(d_head.key));
      multiply_add<Scalar>(p.column_range(0, block.queries),
                           block_rows(d_out.column_range(h * head_size, head_size)),
                           key_rows(d_head.value));
    }
    transpose<Scalar>(d_query_t.column_range(0, block.queries),
                      block_rows(d_qkv.column_range(0, n_embd)));
  });
}

#define MICROGPT_INSTANTIATE(Scalar)                                                    \
  template class AttentionScratch<Scalar>;                                              \
  template void attention(Matrix<const Scalar>, std::span<const Index>, Index,          \
                          AttentionScratch<Scalar>&, Matrix<Scalar>, Matrix<Scalar>);   \
  template void attention_backward(Matrix<const Scalar>, std::span<const Index>, Index, \
                                   Matrix<const Scalar>, Matrix<const Scalar>,          \
                                   AttentionScratch<Scalar>&, Matrix<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
