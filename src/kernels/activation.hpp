// The MLP's activation, element by element:
//   relu_squared  max(0, x)²                              (So et al., 2021)
//   relu          max(0, x)
//   gelu          x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))   (GPT-2's form)
// A NaN stays a NaN through each of them.
#pragma once

#include "kernels/matrix.hpp"
#include "microgpt/activation.hpp"

namespace microgpt::kernels {

/// y = activation(x). x, y: rows x n, whole vectors of columns; y may be x.
template <class Scalar>
void activate(Activation activation, const Matrix<const Scalar>& x, const Matrix<Scalar>& y);

/// y = activation(x) once more, and dy, the gradient of y, becomes that of x: dy · activation'(x).
/// One pass, since the two share their tanh.
template <class Scalar>
void activate_backward(Activation activation, const Matrix<const Scalar>& x,
                       const Matrix<Scalar>& y, const Matrix<Scalar>& dy);

}  // namespace microgpt::kernels
