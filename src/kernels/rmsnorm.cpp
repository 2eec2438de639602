#include "kernels/rmsnorm.hpp"

#include <cmath>

#include "kernels/rows.hpp"

namespace microgpt::kernels {
namespace {

// s³ / n · (dy · x), the factor of x in the gradient.
template <class Scalar>
Scalar projection(const ConstRow<Scalar>& x, const ConstRow<Scalar>& dy, Scalar inverse_rms) {
  const Scalar mean = (dy * x).sum() / static_cast<Scalar>(x.size());
  return mean * inverse_rms * inverse_rms * inverse_rms;
}

}  // namespace

template <class Scalar>
void rmsnorm(Matrix<const Scalar> x, Scalar* inverse_rms, Matrix<Scalar> y) {
  for (Index r = 0; r < x.rows; ++r) {
    const auto x_row = row_of(x, r);
    const Scalar mean_square = x_row.square().sum() / static_cast<Scalar>(x.cols);
    inverse_rms[r] = 1 / std::sqrt(mean_square + static_cast<Scalar>(kRmsNormEpsilon));
    row_of(y, r) = x_row * inverse_rms[r];
  }
}

template <class Scalar>
void rmsnorm_again(Matrix<const Scalar> x, const Scalar* inverse_rms, Matrix<Scalar> y) {
  for (Index r = 0; r < x.rows; ++r) row_of(y, r) = row_of(x, r) * inverse_rms[r];
}

template <class Scalar>
void rmsnorm_backward(Matrix<const Scalar> x, const Scalar* inverse_rms, Matrix<const Scalar> dy,
                      Matrix<Scalar> dx) {
  for (Index r = 0; r < x.rows; ++r) {
    const auto x_row = row_of(x, r);
    const auto dy_row = row_of(dy, r);
    const Scalar factor = projection<Scalar>(x_row, dy_row, inverse_rms[r]);
    row_of(dx, r) = dy_row * inverse_rms[r] - x_row * factor;
  }
}

template <class Scalar>
void rmsnorm_backward_add(Matrix<const Scalar> x, const Scalar* inverse_rms,
                          Matrix<const Scalar> dy, Matrix<Scalar> dx) {
  for (Index r = 0; r < x.rows; ++r) {
    const auto x_row = row_of(x, r);
    const auto dy_row = row_of(dy, r);
    const Scalar factor = projection<Scalar>(x_row, dy_row, inverse_rms[r]);
    row_of(dx, r) += dy_row * inverse_rms[r] - x_row * factor;
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                            \
  template void rmsnorm(Matrix<const Scalar>, Scalar*, Matrix<Scalar>);                         \
  template void rmsnorm_again(Matrix<const Scalar>, const Scalar*, Matrix<Scalar>);             \
  template void rmsnorm_backward(Matrix<const Scalar>, const Scalar*, Matrix<const Scalar>,     \
                                 Matrix<Scalar>);                                               \
  template void rmsnorm_backward_add(Matrix<const Scalar>, const Scalar*, Matrix<const Scalar>, \
                                     Matrix<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
