#include "kernels/row_functions.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

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
  // Whole vectors: the padding repeats an element, so that nothing there can overflow.
  const Index width = padded<Scalar>(count);
  std::fill(scores + count, scores + width, scores[0]);
  Row<Scalar> row(scores, width);
  row = ((row - row.maxCoeff()) * scale).exp();
  std::fill(scores + count, scores + width, Scalar{0});
  row *= 1 / row.sum();
}

#define MICROGPT_INSTANTIATE(Scalar)                        \
  template void rmsnorm_row(const Scalar*, Index, Scalar*); \
  template void softmax_row(Scalar*, Index, Scalar);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
