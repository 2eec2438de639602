// Attention of short documents: a vector holds one feature of neighbouring positions, one query a
// lane. Keys are taken by their distance to the query: the keys at distance d of a vector of
// queries are the vector that begins d positions earlier. So scores, softmax and their gradients
// are sums over distances, with no sum across a vector and nothing transposed, and documents of any
// length may stand side by side: a lane only takes part in distances up to its place in its own.
#include <algorithm>
#include <type_traits>

#include "kernels/attention_ways.hpp"
#include "kernels/elementary.hpp"

namespace microgpt::kernels {
namespace {

constexpr int kGroup = static_cast<int>(kDistanceGroup);

// Calls body with the number of features of a head, as a compile-time constant for those of small
// models: loops over them are then laid out in full, being so short that going round costs as much
// as what they do.
template <class Body>
void with_head_size(Index head_size, Body&& body) {
  switch (head_size) {
    case 4:
      return body(std::integral_constant<Index, 4>{});
    case 8:
      return body(std::integral_constant<Index, 8>{});
    default:
      return body(head_size);
  }
}

// Calls body(first, rows) for all features: rows first .. first + rows - 1 are those whose sums are
// in registers together, MostRows as long as there are so many, then 4, then 1. The number is a
// constant.
template <int MostRows, class Size, class Body>
[[gnu::always_inline]] inline void for_rows(Size features, Body&& body) {
  Index first = 0;
  const auto take = [&](auto rows) __attribute__((always_inline)) {
    for (; first + rows <= features; first += rows) body(first, rows);
  };
  take(std::integral_constant<int, MostRows>{});
  if constexpr (MostRows > 4) take(std::integral_constant<int, 4>{});
  take(std::integral_constant<int, 1>{});
}

// Σ_i a_i[position] · b_i[position - d] of one vector of queries, for kGroup distances d from
// `first` on.
template <class Scalar, class Size>
[[gnu::always_inline]] inline void dot_group(Size features, const Matrix<const Scalar>& a,
                                             const Matrix<const Scalar>& b, Index position,
                                             Index first, Vector<Scalar> (&sum)[kGroup]) {
  unrolled<kGroup>([&](auto g) __attribute__((always_inline)) { sum[g] = Vector<Scalar>{}; });
  for (Index i = 0; i < features; ++i) {
    const Vector<Scalar> here = load(a.row(i) + position);
    const Scalar* there = b.row(i) + position - first;
    unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
      sum[g] = fma<Scalar>(here, load(there - g), sum[g]);
    });
  }
}

// The scores of all keys that a vector of queries looks back over, before scaling; far below all
// others where a key belongs to an earlier document. Returns the largest.
template <class Scalar, class Size>
[[gnu::always_inline]] inline Vector<Scalar> masked_scores(Size features,
                                                           const Head<const Scalar>& head,
                                                           Vector<Scalar> place, Index position,
                                                           Index distances,
                                                           const Matrix<Scalar>& scores) {
  Vector<Scalar> largest = broadcast(kUnseen<Scalar>);
#pragma GCC unroll 1
  for (Index d = 0; d < distances; d += kGroup) {
    Vector<Scalar> score[kGroup];
    dot_group<Scalar>(features, head.query, head.key, position, d, score);
    unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
      score[g] = place >= static_cast<Scalar>(g) ? score[g] : broadcast(kUnseen<Scalar>);
      store(scores.row(d + g) + position, score[g]);
      largest = maximum(score[g], largest);
    });
    place -= static_cast<Scalar>(kGroup);
  }
  return largest;
}

// Scores become exp(score - largest). Returns the sum.
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> exponentiate(Vector<Scalar> largest, Scalar scale,
                                                          Index position, Index distances,
                                                          const Matrix<Scalar>& scores) {
  Vector<Scalar> sum{};
#pragma GCC unroll 1
  for (Index d = 0; d < distances; d += kGroup) {
    unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
      Scalar* const at = scores.row(d + g) + position;
      const Vector<Scalar> exponential = exp2_of_product(load(at) - largest, scale);
      store(at, exponential);
      sum += exponential;
    });
  }
  return sum;
}

// sum_i += weight · values_i at a position, for rows first .. first + Rows - 1.
template <int Rows, class Scalar>
[[gnu::always_inline]] inline void add_weighed(Vector<Scalar> weight,
                                               const Matrix<const Scalar>& values, Index first,
                                               Index position, Vector<Scalar> (&sum)[Rows]) {
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    sum[i] = fma<Scalar>(weight, load(values.row(first + i) + position), sum[i]);
  });
}

// to_i = factor · sum_i for the same rows.
template <int Rows, class Scalar>
[[gnu::always_inline]] inline void store_times(Vector<Scalar> factor,
                                               const Vector<Scalar> (&sum)[Rows],
                                               const Matrix<Scalar>& to, Index first,
                                               Index position) {
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    store(to.row(first + i) + position, sum[i] * factor);
  });
}

// to_i = factor · Σ_d weights_d · (values_i at distance d back), for a vector of queries.
template <class Scalar, class Size>
[[gnu::always_inline]] inline void weigh_back(Size features, const Matrix<const Scalar>& weights,
                                              const Matrix<const Scalar>& values, Index position,
                                              Index distances, Vector<Scalar> factor,
                                              const Matrix<Scalar>& to) {
  for_rows<8>(
      features, [&](Index first, auto rows) __attribute__((always_inline)) {
        Vector<Scalar> sum[rows] = {};
#pragma GCC unroll 2
        for (Index d = 0; d < distances; ++d) {
          add_weighed<rows, Scalar>(load(weights.row(d) + position), values, first, position - d,
                                    sum);
        }
        store_times<rows, Scalar>(factor, sum, to, first, position);
      });
}

// What a vector of keys and their values receive from the queries at each distance ahead:
//   dk_i = scale · Σ_d d_score_d · q_i,  dv_i = Σ_d exponential_d · (d_out / sum)_i
template <class Scalar, class Size>
[[gnu::always_inline]] inline void weigh_ahead(Size features, const Matrix<const Scalar>& d_scores,
                                               const Matrix<const Scalar>& exponentials,
                                               const Matrix<const Scalar>& query,
                                               const Matrix<const Scalar>& d_out, Index position,
                                               Index distances, Vector<Scalar> scale,
                                               const Head<Scalar>& d_head) {
  for_rows<4>(
      features, [&](Index first, auto rows) __attribute__((always_inline)) {
        Vector<Scalar> dk[rows] = {};
        Vector<Scalar> dv[rows] = {};
#pragma GCC unroll 2
        for (Index d = 0; d < distances; ++d) {
          const Index at = position + d;
          add_weighed<rows, Scalar>(load(d_scores.row(d) + at), query, first, at, dk);
          add_weighed<rows, Scalar>(load(exponentials.row(d) + at), d_out, first, at, dv);
        }
        store_times<rows, Scalar>(scale, dk, d_head.key, first, position);
        store_times<rows, Scalar>(broadcast<Scalar>(1), dv, d_head.value, first, position);
      });
}

// A key at the end of a piece has no queries ahead.
template <class Scalar>
void clear_behind(const Matrix<Scalar>& matrix, Index distances) {
  for (Index d = 0; d < distances; ++d) store(matrix.row(d) + matrix.cols, Vector<Scalar>{});
}

template <class Scalar, class Size>
void forward(Size head_size, const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
             Index n_head, AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& softmax_terms,
             const Matrix<Scalar>& out) {
  const Scalar scale = binary_scale<Scalar>(head_size);
  for (Index h = 0; h < n_head; ++h) {
    const Head<const Scalar> head(qkv, h, head_size);
    const auto scores = scratch.exponentials(out.cols, h);
    const auto out_head = out.row_range(h * head_size, head_size);
    for (Index position = 0; position < out.cols; position += kLanes<Scalar>) {
      const Index distances = packed.distances[position / kLanes<Scalar>];
      const Vector<Scalar> largest = masked_scores<Scalar>(
          head_size, head, load(packed.place + position), position, distances, scores);
      const Vector<Scalar> sum = exponentiate(largest, scale, position, distances, scores);
      const Vector<Scalar> inverse_sum = 1 / sum;
      weigh_back<Scalar>(head_size, scores, head.value, position, distances, inverse_sum, out_head);
      store(softmax_terms.row(2 * h) + position, largest);
      store(softmax_terms.row(2 * h + 1) + position, inverse_sum);
    }
  }
}

// With p = e / sum, where e are the exponentials that forward has left, and dp = d_out · v:
//   d_score = scale · p · (dp - Σ_s p_s dp_s)
//           = scale · e · ((d_out / sum) · v - (d_out / sum) · out)
// Both products are summed alike: where one key has all the weight, the difference is exactly 0.
// Scaling is left to the sums over d_score.
template <class Scalar, class Size>
void backward(Size head_size, const Matrix<const Scalar>& qkv,
              const PackedPositions<Scalar>& packed, Index n_head,
              const Matrix<const Scalar>& softmax_terms, const Matrix<const Scalar>& out,
              const Matrix<Scalar>& d_out, AttentionScratch<Scalar>& scratch,
              const Matrix<Scalar>& d_qkv) {
  const Index columns = d_out.cols;
  const Vector<Scalar> scale = broadcast(score_scale<Scalar>(head_size));
  const Index longest = packed.most_distances;
  const auto d_scores = scratch.d_scores(columns);
  clear_behind(d_scores, longest);

  for (Index h = 0; h < n_head; ++h) {
    const Head<const Scalar> head(qkv, h, head_size);
    const Head<Scalar> d_head(d_qkv, h, head_size);
    const auto e = scratch.exponentials(columns, h);
    clear_behind(e, longest);
    const auto out_head = out.row_range(h * head_size, head_size);
    const auto d_out_head = d_out.row_range(h * head_size, head_size);

    for (Index position = 0; position < columns; position += kLanes<Scalar>) {
      const Index distances = packed.distances[position / kLanes<Scalar>];
      const Vector<Scalar> inverse_sum = load(softmax_terms.row(2 * h + 1) + position);
      Vector<Scalar> mean{};
      for (Index i = 0; i < head_size; ++i) {
        Scalar* const at = d_out_head.row(i) + position;
        const Vector<Scalar> over_sum = load(at) * inverse_sum;
        store(at, over_sum);
        mean = fma<Scalar>(over_sum, load(out_head.row(i) + position), mean);
      }
#pragma GCC unroll 1
      for (Index d = 0; d < distances; d += kGroup) {
        Vector<Scalar> dp[kGroup];
        dot_group<Scalar>(head_size, d_out_head, head.value, position, d, dp);
        unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
          store(d_scores.row(d + g) + position, load(e.row(d + g) + position) * (dp[g] - mean));
        });
      }
      for (Index d = distances; d < longest; ++d) {
        store(e.row(d) + position, Vector<Scalar>{});
        store(d_scores.row(d) + position, Vector<Scalar>{});
      }
      weigh_back<Scalar>(head_size, d_scores, head.key, position, distances, scale, d_head.query);
    }

    for (Index position = 0; position < columns; position += kLanes<Scalar>) {
      const Index distances = std::min(longest, columns - position);
      weigh_ahead<Scalar>(head_size, d_scores, e, head.query, d_out_head, position, distances,
                          scale, d_head);
    }
  }
}

}  // namespace

template <class Scalar>
void attention_by_distance(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                           Index n_head, AttentionScratch<Scalar>& scratch,
                           const Matrix<Scalar>& softmax_terms, const Matrix<Scalar>& out) {
  with_head_size(out.rows / n_head, [&](auto head_size) {
    forward<Scalar>(head_size, qkv, packed, n_head, scratch, softmax_terms, out);
  });
}

template <class Scalar>
void attention_backward_by_distance(const Matrix<const Scalar>& qkv,
                                    const PackedPositions<Scalar>& packed, Index n_head,
                                    const Matrix<const Scalar>& softmax_terms,
                                    const Matrix<const Scalar>& out, const Matrix<Scalar>& d_out,
                                    AttentionScratch<Scalar>& scratch,
                                    const Matrix<Scalar>& d_qkv) {
  with_head_size(out.rows / n_head, [&](auto head_size) {
    backward<Scalar>(head_size, qkv, packed, n_head, softmax_terms, out, d_out, scratch, d_qkv);
  });
}

#define MICROGPT_INSTANTIATE(Scalar)                                                               \
  template void attention_by_distance(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, \
                                      Index, AttentionScratch<Scalar>&, const Matrix<Scalar>&,     \
                                      const Matrix<Scalar>&);                                      \
  template void attention_backward_by_distance(                                                    \
      const Matrix<const Scalar>&, const PackedPositions<Scalar>&, Index,                          \
      const Matrix<const Scalar>&, const Matrix<const Scalar>&, const Matrix<Scalar>&,             \
      AttentionScratch<Scalar>&, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
