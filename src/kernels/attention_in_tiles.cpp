// Attention of long documents: up to kTileQueries queries and all keys that they see at a time.
// Scores, weighted sums and their gradients are products of matrices then.
//
// Forward has keys in rows and queries in lanes, so that a softmax runs down a column. Backward,
// which knows the terms of each softmax already, has queries in rows: so the sums over queries,
// which keys and values receive, need nothing transposed, and only that of queries does.
#include <algorithm>
#include <array>
#include <type_traits>

#include "kernels/attention_ways.hpp"
#include "kernels/elementary.hpp"
#include "kernels/product.hpp"
#include "kernels/transpose.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
constexpr Index kQueries = AttentionScratch<Scalar>::kTileQueries;

// Calls body(column, count) for each vector of the matrix's columns, of which `count` are its own.
template <class Scalar, class Body>
void for_vectors(const Matrix<Scalar>& matrix, Body&& body) {
  constexpr Index kWidth = kLanes<std::remove_const_t<Scalar>>;
  for (Index column = 0; column < matrix.cols; column += kWidth) {
    body(column, std::min(kWidth, matrix.cols - column));
  }
}

// All columns from `first` on become 0.
template <class Scalar>
void clear_columns(const Matrix<Scalar>& matrix, Index first) {
  if (first == matrix.cols) return;
  for (Index r = 0; r < matrix.rows; ++r) {
    std::fill(matrix.row(r) + first, matrix.row(r) + matrix.cols, Scalar{0});
  }
}

// The terms of one vector of softmaxes.
template <class Scalar>
struct SoftmaxTerms {
  Vector<Scalar> largest;
  Vector<Scalar> inverse_sum;
};

// A vector of columns of scores, keys x queries, becomes exp of the scaled scores, less the
// largest. The query in lane 0 sees the keys up to number `last_key`, that in lane 1 one more, …
template <class Scalar>
SoftmaxTerms<Scalar> exponentials(const Matrix<Scalar>& scores, Index last_key, Scalar scale) {
  const Vector<Scalar> lane = lane_numbers<Scalar>();
  const Index seen_by_all = std::min(last_key + 1, scores.rows);
  const Index seen = std::min(last_key + kLanes<Scalar>, scores.rows);
  Vector<Scalar> largest = broadcast(kUnseen<Scalar>);
  for (Index s = 0; s < seen_by_all; ++s) largest = maximum(load(scores.row(s)), largest);
  for (Index s = seen_by_all; s < seen; ++s) {
    const Vector<Scalar> score = lane >= static_cast<Scalar>(s - last_key)
                                     ? load(scores.row(s))
                                     : broadcast(kUnseen<Scalar>);
    store(scores.row(s), score);
    largest = maximum(score, largest);
  }
  Vector<Scalar> sum{};
  for (Index s = 0; s < seen; ++s) {
    const Vector<Scalar> exponential = exp2_of_product(load(scores.row(s)) - largest, scale);
    store(scores.row(s), exponential);
    sum += exponential;
  }
  for (Index s = seen; s < scores.rows; ++s) store(scores.row(s), Vector<Scalar>{});
  return {largest, 1 / sum};
}

// What backward knows of a query: it sees the keys up to number `last_key`; the terms of its
// softmax, and Σ_s p_s d_p_s.
template <class Scalar>
struct Query {
  Index last_key;
  Scalar largest, inverse_sum, mean;
};

// Scores of one query, a row, become probabilities p, and d_p becomes the gradient of the scores:
// p · (d_p - mean), the gradient of softmax, times what scores are multiplied by.
template <class Scalar>
void probabilities_again(Scalar* scores, Scalar* d_p, Index keys, const Query<Scalar>& query,
                         Scalar scale, Scalar exp2_scale) {
  const Index last_key = query.last_key;
  const Vector<Scalar> lane = lane_numbers<Scalar>();
  const auto make = [&](Index s, auto&& seen) __attribute__((always_inline)) {
    const Vector<Scalar> p =
        seen(exp2_of_product(load(scores + s) - query.largest, exp2_scale) * query.inverse_sum);
    store(scores + s, p);
    store(d_p + s, seen(p * (load(d_p + s) - query.mean) * scale));
  };
  Index s = 0;
  for (; s + kLanes<Scalar> <= last_key + 1; s += kLanes<Scalar>) {
    make(s, [](Vector<Scalar> v) { return v; });
  }
  for (; s < keys; s += kLanes<Scalar>) {
    make(s, [&](Vector<Scalar> v) {
      return lane <= static_cast<Scalar>(last_key - s) ? v : Vector<Scalar>{};
    });
  }
}

// One document and one head: its columns of qkv, of out and of the two terms.
template <class Scalar>
void attend(const Head<const Scalar>& head, AttentionScratch<Scalar>& scratch,
            const Matrix<Scalar>& terms, const Matrix<Scalar>& out) {
  const Scalar scale = binary_scale<Scalar>(out.rows);
  for (Index first = 0; first < out.cols; first += kQueries<Scalar>) {
    const Index queries = std::min(kQueries<Scalar>, out.cols - first);
    const Index keys = first + queries;
    const auto scores = scratch.tile_by_key(keys, queries);
    multiply_transposed<Scalar>(head.key.column_range(0, keys),
                                head.query.column_range(first, queries), scores);
    for_vectors(scores, [&](Index column, Index count) {
      const auto vector = scores.column_range(column, kLanes<Scalar>);
      const auto found = exponentials(vector, first + column, scale);
      store_partial(terms.row(0) + first + column, found.largest, count);
      store_partial(terms.row(1) + first + column, found.inverse_sum, count);
    });
    const auto weighed = out.column_range(first, queries);
    multiply<Scalar>(head.value.column_range(0, keys), scores, weighed);
    for_vectors(scores, [&](Index column, Index count) {
      const Vector<Scalar> factor = load_partial(terms.row(1) + first + column, count);
      for (Index i = 0; i < weighed.rows; ++i) {
        Scalar* const at = weighed.row(i) + column;
        store_partial(at, load_partial(at, count) * factor, count);
      }
    });
  }
}

// For each query of a tile Σ_i d_out_i · out_i.
template <class Scalar>
std::array<Scalar, kQueries<Scalar>> means(const Matrix<const Scalar>& d_out,
                                           const Matrix<const Scalar>& out) {
  std::array<Scalar, kQueries<Scalar>> means{};
  for_vectors(d_out, [&](Index column, Index count) {
    Vector<Scalar> sum{};
    for (Index i = 0; i < d_out.rows; ++i) {
      sum = fma<Scalar>(load_partial(d_out.row(i) + column, count),
                        load_partial(out.row(i) + column, count), sum);
    }
    store(means.data() + column, sum);
  });
  return means;
}

template <class Scalar>
void attend_backward(const Head<const Scalar>& head, const Matrix<const Scalar>& terms,
                     const Matrix<const Scalar>& out, const Matrix<const Scalar>& d_out,
                     AttentionScratch<Scalar>& scratch, const Head<Scalar>& d_head) {
  const Scalar scale = score_scale<Scalar>(out.rows);
  const Scalar exp2_scale = binary_scale<Scalar>(out.rows);
  const Index last = (out.cols - 1) / kQueries<Scalar> * kQueries<Scalar>;
  for (Index first = last; first >= 0; first -= kQueries<Scalar>) {
    const Index queries = std::min(kQueries<Scalar>, out.cols - first);
    const Index keys = first + queries;
    const auto query = head.query.column_range(first, queries);
    const auto d_out_tile = d_out.column_range(first, queries);
    const auto p = scratch.tile_by_query(queries, keys);
    const auto d_scores = scratch.d_tile_by_query(queries, keys);
    multiply_transposed<Scalar>(query, head.key.column_range(0, keys), p);
    multiply_transposed<Scalar>(d_out_tile, head.value.column_range(0, keys), d_scores);
    const auto mean = means<Scalar>(d_out_tile, out.column_range(first, queries));
    for (Index t = 0; t < queries; ++t) {
      const Query<Scalar> terms_of_query{.last_key = first + t,
                                         .largest = terms.row(0)[first + t],
                                         .inverse_sum = terms.row(1)[first + t],
                                         .mean = mean[static_cast<std::size_t>(t)]};
      probabilities_again(p.row(t), d_scores.row(t), keys, terms_of_query, scale, exp2_scale);
    }
    // The last tile, which comes first, reaches all keys.
    const auto give = first == last ? multiply<Scalar> : accumulate<Scalar>;
    give(d_out_tile, p, d_head.value.column_range(0, keys));
    give(query, d_scores, d_head.key.column_range(0, keys));
    const auto d_scores_by_key = scratch.tile_by_key(keys, queries);
    transpose<Scalar>(d_scores, d_scores_by_key);
    multiply<Scalar>(head.key.column_range(0, keys), d_scores_by_key,
                     d_head.query.column_range(first, queries));
  }
}

}  // namespace

template <class Scalar>
void attention_in_tiles(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                        Index n_head, AttentionScratch<Scalar>& scratch,
                        const Matrix<Scalar>& softmax_terms, const Matrix<Scalar>& out) {
  const Index head_size = out.rows / n_head;
  Index first = 0;
  for (const Index length : packed.lengths) {
    const auto of_document = qkv.column_range(first, length);
    for (Index h = 0; h < n_head; ++h) {
      attend<Scalar>({of_document, h, head_size}, scratch,
                     softmax_terms.row_range(2 * h, 2).column_range(first, length),
                     out.row_range(h * head_size, head_size).column_range(first, length));
    }
    first += length;
  }
  clear_columns(out, first);
}

template <class Scalar>
void attention_backward_in_tiles(const Matrix<const Scalar>& qkv,
                                 const PackedPositions<Scalar>& packed, Index n_head,
                                 const Matrix<const Scalar>& softmax_terms,
                                 const Matrix<const Scalar>& out, const Matrix<const Scalar>& d_out,
                                 AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv) {
  const Index head_size = out.rows / n_head;
  Index first = 0;
  for (const Index length : packed.lengths) {
    const auto of_document = qkv.column_range(first, length);
    const auto d_of_document = d_qkv.column_range(first, length);
    for (Index h = 0; h < n_head; ++h) {
      const auto of_head = [&](const auto& matrix) {
        return matrix.row_range(h * head_size, head_size).column_range(first, length);
      };
      attend_backward<Scalar>({of_document, h, head_size},
                              softmax_terms.row_range(2 * h, 2).column_range(first, length),
                              of_head(out), of_head(d_out), scratch, {d_of_document, h, head_size});
    }
    first += length;
  }
  clear_columns(d_qkv, first);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                            \
  template void attention_in_tiles(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, \
                                   Index, AttentionScratch<Scalar>&, const Matrix<Scalar>&,     \
                                   const Matrix<Scalar>&);                                      \
  template void attention_backward_in_tiles(                                                    \
      const Matrix<const Scalar>&, const PackedPositions<Scalar>&, Index,                       \
      const Matrix<const Scalar>&, const Matrix<const Scalar>&, const Matrix<const Scalar>&,    \
      AttentionScratch<Scalar>&, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
