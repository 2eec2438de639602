#include "kernels/activation.hpp"

#include "kernels/rows.hpp"

namespace microgpt::kernels {
namespace {

// √(2/π) and the cubic coefficient of GPT-2's gelu.
inline constexpr double kGeluScale = 0.79788456080286535588;
inline constexpr double kGeluCubic = 0.044715;

// x where it is positive or NaN, else 0: std::max and Eigen's max may drop a NaN.
template <class Scalar>
Scalar positive_part(Scalar x) {
  return x <= 0 ? Scalar{0} : x;
}

template <class Scalar>
void gelu_row(const ConstRow<Scalar>& x, Row<Scalar> y) {
  const auto scale = static_cast<Scalar>(kGeluScale);
  const auto cubic = static_cast<Scalar>(kGeluCubic);
  y = x * Scalar{0.5} * ((scale * x * (1 + cubic * x.square())).tanh() + 1);
}

template <class Scalar>
void gelu_backward_row(const ConstRow<Scalar>& x, Row<Scalar> dy) {
  const auto scale = static_cast<Scalar>(kGeluScale);
  const auto cubic = static_cast<Scalar>(kGeluCubic);
  const auto tanh = (scale * x * (1 + cubic * x.square())).tanh();
  const auto inner = scale * (1 + 3 * cubic * x.square());
  dy *= Scalar{0.5} * (1 + tanh) + Scalar{0.5} * x * (1 - tanh.square()) * inner;
}

}  // namespace

template <class Scalar>
void activate(Activation activation, Matrix<const Scalar> x, Matrix<Scalar> y) {
  for (Index r = 0; r < x.rows; ++r) {
    const Scalar* from = x.row(r);
    Scalar* to = y.row(r);
    switch (activation) {
      case Activation::relu_squared:
        for (Index i = 0; i < x.cols; ++i) to[i] = positive_part(from[i]) * positive_part(from[i]);
        break;
      case Activation::relu:
        for (Index i = 0; i < x.cols; ++i) to[i] = positive_part(from[i]);
        break;
      case Activation::gelu:
        gelu_row<Scalar>(row_of(x, r), row_of(y, r));
        break;
    }
  }
}

template <class Scalar>
void activate_backward(Activation activation, Matrix<const Scalar> x, Matrix<Scalar> dy) {
  for (Index r = 0; r < x.rows; ++r) {
    const Scalar* input = x.row(r);
    Scalar* gradient = dy.row(r);
    switch (activation) {
      case Activation::relu_squared:
        for (Index i = 0; i < x.cols; ++i) gradient[i] *= 2 * positive_part(input[i]);
        break;
      case Activation::relu:
        for (Index i = 0; i < x.cols; ++i) gradient[i] = input[i] <= 0 ? Scalar{0} : gradient[i];
        break;
      case Activation::gelu:
        gelu_backward_row<Scalar>(row_of(x, r), row_of(dy, r));
        break;
    }
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                        \
  template void activate(Activation, Matrix<const Scalar>, Matrix<Scalar>); \
  template void activate_backward(Activation, Matrix<const Scalar>, Matrix<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
