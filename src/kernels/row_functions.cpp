#include "kernels/row_functions.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention.hpp"
#include "kernels/elementary.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

constexpr int kRowAlignment = static_cast<int>(kVectorBytes);
template <class Scalar>
using Row = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>, kRowAlignment>;
template <class Scalar>
using ConstRow = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>, kRowAlignment>;

}  // namespace

template <class Scalar>
void rmsnorm_row(const Scalar* x, Index count, Scalar* y) {
  const ConstRow<Scalar> row(x, count);
  const Scalar mean_square = row.square().sum() / static_cast<Scalar>(count);
  const Scalar factor = 1 / std::sqrt(mean_square + static_cast<Scalar>(kRmsNormEpsilon));
  Row<Scalar>(y, count) = row * factor;
}

template <class Scalar>
void softmax_row(Scalar* scores, Index count, Scalar scale) {
  constexpr Index kWidth = kLanes<Scalar>;
  const Vector<Scalar> lane = lane_numbers<Scalar>();
  // What lies behind the scores may be anything.
  const auto where_scores = [&](Index first, Vector<Scalar> of_scores, Scalar of_others) {
    return lane < static_cast<Scalar>(count - first) ? of_scores : broadcast(of_others);
  };

  constexpr Scalar kUnseen = -std::numeric_limits<Scalar>::infinity();
  Vector<Scalar> largest = broadcast(kUnseen);
  for (Index i = 0; i < count; i += kWidth) {
    largest = maximum(where_scores(i, load(scores + i), kUnseen), largest);
  }
  largest = across_lanes<Scalar>(largest, [](auto a, auto b) { return maximum(a, b); });

  Vector<Scalar> sum{};
  for (Index i = 0; i < count; i += kWidth) {
    const Vector<Scalar> power = exp<Scalar>((load(scores + i) - largest) * scale);
    const Vector<Scalar> weight = where_scores(i, power, 0);
    store(scores + i, weight);
    sum += weight;
  }
  const Vector<Scalar> inverse_sum =
      1 / across_lanes<Scalar>(sum, [](auto a, auto b) { return a + b; });
  for (Index i = 0; i < count; i += kWidth) store(scores + i, load(scores + i) * inverse_sum);
}

namespace {

// Σ_i query_i · key_i, a vector of positions at a time.
template <class Scalar>
void score_row(const Scalar* query, const Matrix<const Scalar>& keys, Scalar* scores) {
  for (Index first = 0; first < keys.cols; first += kLanes<Scalar>) {
    Vector<Scalar> sum{};
    for (Index i = 0; i < keys.rows; ++i) {
      sum = fma<Scalar>(load(keys.row(i) + first), query[i], sum);
    }
    store(scores + first, sum);
  }
}

// Σ_t weight_t · value_t, a vector of features at a time.
template <class Scalar>
void weigh_row(const Scalar* weights, const Matrix<const Scalar>& values, Scalar* out) {
  for (Index first = 0; first < values.cols; first += kLanes<Scalar>) {
    const Index count = std::min(kLanes<Scalar>, values.cols - first);
    Vector<Scalar> sum{};
    for (Index t = 0; t < values.rows; ++t) {
      sum = fma<Scalar>(load_partial(values.row(t) + first, count), weights[t], sum);
    }
    store_partial(out + first, sum, count);
  }
}

}  // namespace

// One task after the other for all heads: theirs are independent, and a core works on several.
template <class Scalar>
void attention_row(const Scalar* query, const Matrix<const Scalar>& keys,
                   const Matrix<const Scalar>& values, const Matrix<Scalar>& scores, Scalar* out) {
  const Index n_head = scores.rows;
  const Index head_size = keys.rows / n_head;
  const Scalar scale = score_scale<Scalar>(head_size);
  for (Index h = 0; h < n_head; ++h) {
    score_row<Scalar>(query + h * head_size, keys.row_range(h * head_size, head_size),
                      scores.row(h));
  }
  for (Index h = 0; h < n_head; ++h) softmax_row(scores.row(h), scores.cols, scale);
  for (Index h = 0; h < n_head; ++h) {
    weigh_row<Scalar>(scores.row(h), values.column_range(h * head_size, head_size),
                      out + h * head_size);
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                      \
  template void rmsnorm_row(const Scalar*, Index, Scalar*);               \
  template void softmax_row(Scalar*, Index, Scalar);                      \
  template void attention_row(const Scalar*, const Matrix<const Scalar>&, \
                              const Matrix<const Scalar>&, const Matrix<Scalar>&, Scalar*);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
