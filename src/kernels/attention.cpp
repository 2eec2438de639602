#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

#include "kernels/elementary.hpp"

namespace microgpt::kernels {
namespace {

constexpr int kGroup = static_cast<int>(kDistanceGroup);

// The score of a key that a query may not see: exp makes it 0.
template <class Scalar>
constexpr Scalar kUnseen = -std::numeric_limits<Scalar>::infinity();

// exp(score / √head_size) = 2^(score · binary_scale).
template <class Scalar>
Scalar binary_scale(Index head_size) {
  return static_cast<Scalar>(std::numbers::log2e / std::sqrt(static_cast<double>(head_size)));
}

// The rows of one head in a matrix that holds queries, keys and values one above the other.
template <class Scalar>
struct Head {
  Matrix<Scalar> query, key, value;

  Head(const Matrix<Scalar>& qkv, Index head, Index head_size)
      : query(qkv.row_range(head * head_size, head_size)),
        key(qkv.row_range(qkv.rows / 3 + head * head_size, head_size)),
        value(qkv.row_range(qkv.rows / 3 * 2 + head * head_size, head_size)) {}
};

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

// exp of a group's scaled scores, less the largest: what forward has had.
template <class Scalar>
[[gnu::always_inline]] inline void exponentials_again(const Head<const Scalar>& head,
                                                      Vector<Scalar> place, Index position,
                                                      Index first, Vector<Scalar> largest,
                                                      Scalar scale,
                                                      Vector<Scalar> (&exponential)[kGroup]) {
  masked_scores<Scalar>(head, place, position, first, exponential);
  unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
    exponential[g] = exp2<Scalar>((exponential[g] - largest) * scale);
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

// Behind the columns stand zeros: a key at the end of a piece has no queries ahead.
template <class Scalar>
Index stride_for(Index columns) {
  return columns + kLanes<Scalar>;
}

template <class Scalar>
void clear_behind(const Matrix<Scalar>& matrix, Index distances) {
  for (Index d = 0; d < distances; ++d) store(matrix.row(d) + matrix.cols, Vector<Scalar>{});
}

}  // namespace

template <class Scalar>
Index AttentionScratch<Scalar>::size(Index max_length, Index max_columns, Index n_head) {
  const Index of_a_head = whole_groups(max_length) * stride_for<Scalar>(max_columns);
  return (keeps(max_length) ? n_head + 1 : 2) * of_a_head;
}

template <class Scalar>
AttentionScratch<Scalar>::AttentionScratch(Index max_length, Index max_columns, Index n_head)
    : keeps_(keeps(max_length)),
      max_distances_(whole_groups(max_length)),
      of_a_head_(max_distances_ * stride_for<Scalar>(max_columns)),
      buffer_(static_cast<std::size_t>(size(max_length, max_columns, n_head))) {}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::probabilities(Index columns, Index head) {
  Scalar* const data = buffer_.data() + (keeps_ ? head + 1 : 1) * of_a_head_;
  return {data, max_distances_, columns, stride_for<Scalar>(columns)};
}

template <class Scalar>
Matrix<Scalar> AttentionScratch<Scalar>::d_scores(Index columns) {
  return {buffer_.data(), max_distances_, columns, stride_for<Scalar>(columns)};
}

template <class Scalar>
void attention(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed, Index n_head,
               AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& softmax_terms,
               const Matrix<Scalar>& out) {
  const Index head_size = out.rows / n_head;
  const Scalar scale = binary_scale<Scalar>(head_size);

  for (Index position = 0; position < out.cols; position += kLanes<Scalar>) {
    const Index distances = packed.distances[position / kLanes<Scalar>];
    const Vector<Scalar> place = load(packed.place + position);
    for (Index h = 0; h < n_head; ++h) {
      const Head<const Scalar> head(qkv, h, head_size);
      const auto scores =
          scratch.keeps()
              ? scratch.probabilities(out.cols, h).column_range(position, kLanes<Scalar>)
              : scratch.probabilities(kLanes<Scalar>, h);
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
void attention_backward(const Matrix<const Scalar>& qkv, const PackedPositions<Scalar>& packed,
                        Index n_head, const Matrix<const Scalar>& softmax_terms,
                        const Matrix<const Scalar>& out, const Matrix<const Scalar>& d_out,
                        AttentionScratch<Scalar>& scratch, const Matrix<Scalar>& d_qkv) {
  const Index columns = d_out.cols;
  const Index head_size = d_out.rows / n_head;
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(head_size));
  const Scalar exp2_scale = binary_scale<Scalar>(head_size);
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
      const Vector<Scalar> place = load(packed.place + position);
      const Vector<Scalar> largest = load(softmax_terms.row(2 * h) + position);
      const Vector<Scalar> inverse_sum = load(softmax_terms.row(2 * h + 1) + position);
      // d_score = p · (dp - Σ_s p_s dp_s): the gradient of softmax. The mean is d_out · out,
      // summed as dp is: where one key has all the weight, the difference is exactly 0.
      Vector<Scalar> mean{};
      for (Index i = 0; i < head_size; ++i) {
        mean += load(d_out_head.row(i) + position) * load(out_head.row(i) + position);
      }
      for (Index d = 0; d < distances; d += kGroup) {
        Vector<Scalar> dp[kGroup];
        Vector<Scalar> exponential[kGroup];
        dot_group<Scalar>(d_out_head, head.value, position, d, dp);
        if (scratch.keeps()) {
          unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
            exponential[g] = load(p.row(d + g) + position);
          });
        } else {
          exponentials_again<Scalar>(head, place - static_cast<Scalar>(d), position, d, largest,
                                     exp2_scale, exponential);
        }
        unrolled<kGroup>([&](auto g) __attribute__((always_inline)) {
          const Vector<Scalar> weight = exponential[g] * inverse_sum;
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

#define MICROGPT_INSTANTIATE(Scalar)                                                            \
  template class AttentionScratch<Scalar>;                                                      \
  template void attention(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, Index,   \
                          AttentionScratch<Scalar>&, const Matrix<Scalar>&,                     \
                          const Matrix<Scalar>&);                                               \
  template void attention_backward(const Matrix<const Scalar>&, const PackedPositions<Scalar>&, \
                                   Index, const Matrix<const Scalar>&,                          \
                                   const Matrix<const Scalar>&, const Matrix<const Scalar>&,    \
                                   AttentionScratch<Scalar>&, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
