// The MLP's activation, element by element:
//   relu_squared  max(0, x)²                              (So et al., 2021)
//   relu          max(0, x)
//   gelu          x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))   (GPT-2's form)
// A NaN stays a NaN through each of them.
#pragma once

#include "kernels/product.hpp"
#include "microgpt/config.hpp"

namespace microgpt::kernels {

/// y = activation(x). x, y: rows x n.
template <class Scalar>
void activate(Activation activation, Matrix<const Scalar> x, Matrix<Scalar> y);

/// dy, the gradient of the output, becomes that of the input: dy · activation'(x).
template <class Scalar>
void activate_backward(Activation activation, Matrix<const Scalar> x, Matrix<Scalar> dy);

}  // namespace microgpt::kernels
