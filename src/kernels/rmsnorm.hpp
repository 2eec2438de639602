// RMSNorm without gain (Zhang and Sennrich, 2019): y = x / sqrt(mean(x²) + 1e-5), position by
// position. Matrices are features x positions, so that a vector holds one feature of many
// positions and every sum runs down the features.
//
// The reciprocal root is kept: backward makes y = x · inverse_rms again where it needs it, instead
// of storing it.
#pragma once

#include "kernels/matrix.hpp"

namespace microgpt::kernels {

inline constexpr double kRmsNormEpsilon = 1e-5;

/// inverse_rms[p] = 1 / sqrt(mean(x_p²) + 1e-5); y = x · inverse_rms. x, y: n x positions; whole
/// vectors of positions are read and written. y may be x. A column whose sum of squares overflows
/// becomes NaN.
template <class Scalar>
void rmsnorm(const Matrix<const Scalar>& x, Scalar* inverse_rms, const Matrix<Scalar>& y);

/// dx = the gradient with respect to x, given dy. With s = inverse_rms and n features:
///   dx = s · dy - x · s³ / n · (dy · x)
/// dx may be dy itself.
template <class Scalar>
void rmsnorm_backward(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
                      const Matrix<const Scalar>& dy, const Matrix<Scalar>& dx);

/// The same, added to dx: the gradient joins the one that flows past the norm.
template <class Scalar>
void rmsnorm_backward_add(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
                          const Matrix<const Scalar>& dy, const Matrix<Scalar>& dx);

}  // namespace microgpt::kernels
