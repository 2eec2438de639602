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

// Σ_i a_i[position] · b_i[position - d] of one vector of queries, for the distances first .. first
// + kGroup - 1.
template <class Scalar>
[[gnu::always_inline]] inline void dot_group(const Matrix<const Scalar>& a,
                                             const Matrix<const Scalar>& b, Index position,
                                             Index first, Vector<Scalar> (&sum)[kGroup]) {
  unrolled<kGroup>([&](auto g) __attribute__((always_inline)) { sum[g] = Vector<Scalar>{}; });
  for (Index i = 0; i < a.rows; ++i) {
    const Vector<Scalar> here = load(a.row(i) + position);
    const Scalar* there = b.row(i) + position - first;
    unrolled<kGroup>([&](auto g)
                         __attribute__((always_inline)) { sum[g] += here * load(there - g); });
  }
}

// The scores of a group, before scaling; far below all others where a key belongs to an earlier
// document. `place` is that of the queries, less `first`.
template <class Scalar>
[[gnu::always_inline]] inline void masked_scores(const Head<const Scalar>& head,
                                                 Vector<Scalar> place, Index position, Index first,
                                                 Vector<Scalar> (&score)[kGroup]) {
  dot_group<Scalar>(head.query, head.key, position, first, score);
  unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
    score[g] = place >= static_cast<Scalar>(g) ? score[g] : Vector<Scalar>{} + kUnseen<Scalar>;
  });
}

// What weighing looks at: keys at some distance back from a query, or queries at some distance
// ahead of a key.
enum class Direction { back, ahead };

// Rows first .. first + Rows - 1 of to_i[position] = factor · Σ_d weights_d · values_i. Values are
// taken at distance d; weights are those of the query: of the vector at `column` looking back, of
// the vector at distance d looking ahead.
template <int Rows, Direction direction, class Scalar>
void weigh_rows(const Matrix<const Scalar>& weights, Index column,
                const Matrix<const Scalar>& values, Index position, Index distances,
                Vector<Scalar> factor, Index first, const Matrix<Scalar>& to) {
  constexpr bool kAhead = direction == Direction::ahead;
  Vector<Scalar> sum[Rows] = {};
  for (Index d = 0; d < distances; ++d) {
    const Vector<Scalar> weight = load(weights.row(d) + column + (kAhead ? d : 0));
    unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
      sum[i] += weight * load(values.row(first + i) + position + (kAhead ? d : -d));
    });
  }
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    store(to.row(first + i) + position, sum[i] * factor);
  });
}

template <Direction direction, class Scalar>
void weigh(const Matrix<const Scalar>& weights, Index column, const Matrix<const Scalar>& values,
           Index position, Index distances, Vector<Scalar> factor, const Matrix<Scalar>& to) {
  const auto rows = [&]<int Rows>(std::integral_constant<int, Rows>, Index& i) {
    for (; i + Rows <= to.rows; i += Rows) {
      weigh_rows<Rows, direction>(weights, column, values, position, distances, factor, i, to);
    }
  };
  Index i = 0;
  rows(std::integral_constant<int, 8>{}, i);
  rows(std::integral_constant<int, 4>{}, i);
  rows(std::integral_constant<int, 1>{}, i);
}

// to_i = factor · Σ_d weights_d · (values_i at distance d back).
template <class Scalar>
void weigh_back(const Matrix<const Scalar>& weights, Index column,
                const Matrix<const Scalar>& values, Index position, Index distances,
                Vector<Scalar> factor, const Matrix<Scalar>& to) {
  weigh<Direction::back>(weights, column, values, position, distances, factor, to);
}

// to_i = Σ_d (weights_d · values_i) of the query at distance d ahead: what a key or a value
// receives.
template <class Scalar>
void weigh_ahead(const Matrix<const Scalar>& weights, const Matrix<const Scalar>& values,
                 Index position, Index distances, const Matrix<Scalar>& to) {
  weigh<Direction::ahead>(weights, position, values, position, distances, Vector<Scalar>{} + 1, to);
}

// A key at the end of a piece has no queries ahead.
template <class Scalar>
void clear_behind(const Matrix<Scalar>& matrix, Index distances) {
  for (Index d = 0; d < distances; ++d) store(matrix.row(d) + matrix.cols, Vector<Scalar>{});
}

}  // namespace

template <class Scalar>
void attention_by_distance(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                           Index n_head, AttentionScratch<Scalar>& scratch,
                           const Matrix<Scalar>& softmax_terms, const Matrix<Scalar>& out) {
  const Index head_size = out.rows / n_head;
  const Scalar scale = binary_scale<Scalar>(head_size);

  for (Index position = 0; position < out.cols; position += kLanes<Scalar>) {
    const Index distances = packed.distances[position / kLanes<Scalar>];
    const Vector<Scalar> place = load(packed.place + position);
    for (Index h = 0; h < n_head; ++h) {
      const Head<const Scalar> head(qkv, h, head_size);
      const auto scores = scratch.probabilities(out.cols, h).column_range(position, kLanes<Scalar>);
      Vector<Scalar> largest = Vector<Scalar>{} + kUnseen<Scalar>;
      for (Index d = 0; d < distances; d += kGroup) {
        Vector<Scalar> score[kGroup];
        masked_scores<Scalar>(head, place - static_cast<Scalar>(d), position, d, score);
        unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
          store(scores.row(d + g), score[g]);
          largest = maximum(score[g], largest);
        });
      }
      Vector<Scalar> sum{};
      for (Index d = 0; d < distances; ++d) {
        const Vector<Scalar> weight = exp2<Scalar>((load(scores.row(d)) - largest) * scale);
        store(scores.row(d), weight);
        sum += weight;
      }
      const Vector<Scalar> inverse_sum = 1 / sum;
      weigh_back<Scalar>(scores, 0, head.value, position, distances, inverse_sum,
                         out.row_range(h * head_size, head_size));
      store(softmax_terms.row(2 * h) + position, largest);
      store(softmax_terms.row(2 * h + 1) + position, inverse_sum);
    }
  }
}

template <class Scalar>
void attention_backward_by_distance(const Matrix<const Scalar>& qkv,
                                    const PackedPositions<Scalar>& packed, Index n_head,
                                    const Matrix<const Scalar>& softmax_terms,
                                    const Matrix<const Scalar>& out,
                                    const Matrix<const Scalar>& d_out,
                                    AttentionScratch<Scalar>& scratch,
                                    const Matrix<Scalar>& d_qkv) {
  const Index columns = d_out.cols;
  const Index head_size = d_out.rows / n_head;
  const Scalar scale = score_scale<Scalar>(head_size);
  const Index longest = packed.most_distances;
  const auto d_score = scratch.d_scores(columns);
  clear_behind(d_score, longest);

  for (Index h = 0; h < n_head; ++h) {
    const Head<const Scalar> head(qkv, h, head_size);
    const Head<Scalar> d_head(d_qkv, h, head_size);
    const auto p = scratch.probabilities(columns, h);
    clear_behind(p, longest);
    const auto out_head = out.row_range(h * head_size, head_size);
    const auto d_out_head = d_out.row_range(h * head_size, head_size);

    for (Index position = 0; position < columns; position += kLanes<Scalar>) {
      const Index distances = packed.distances[position / kLanes<Scalar>];
      const Vector<Scalar> inverse_sum = load(softmax_terms.row(2 * h + 1) + position);
      // d_score = p · (dp - Σ_s p_s dp_s): the gradient of softmax. The mean is d_out · out,
      // summed as dp is: where one key has all the weight, the difference is exactly 0.
      Vector<Scalar> mean{};
      for (Index i = 0; i < head_size; ++i) {
        mean += load(d_out_head.row(i) + position) * load(out_head.row(i) + position);
      }
      for (Index d = 0; d < distances; d += kGroup) {
        Vector<Scalar> dp[kGroup];
        dot_group<Scalar>(d_out_head, head.value, position, d, dp);
        unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
          const Vector<Scalar> weight = load(p.row(d + g) + position) * inverse_sum;
          store(p.row(d + g) + position, weight);
          store(d_score.row(d + g) + position, weight * (dp[g] - mean) * scale);
        });
      }
      for (Index d = distances; d < longest; ++d) {
        store(p.row(d) + position, Vector<Scalar>{});
        store(d_score.row(d) + position, Vector<Scalar>{});
      }
      weigh_back<Scalar>(d_score, position, head.key, position, distances, Vector<Scalar>{} + 1,
                         d_head.query);
    }

    for (Index position = 0; position < columns; position += kLanes<Scalar>) {
      const Index distances = std::min(longest, columns - position);
      weigh_ahead<Scalar>(d_score, head.query, position, distances, d_head.key);
      weigh_ahead<Scalar>(p, d_out_head, position, distances, d_head.value);
    }
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                               \
  template void attention_by_distance(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, \
                                      Index, AttentionScratch<Scalar>&, const Matrix<Scalar>&,     \
                                      const Matrix<Scalar>&);                                      \
  template void attention_backward_by_distance(                                                    \
      const Matrix<const Scalar>&, const PackedPositions<Scalar>&, Index,                          \
      const Matrix<const Scalar>&, const Matrix<const Scalar>&, const Matrix<const Scalar>&,       \
      AttentionScratch<Scalar>&, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
