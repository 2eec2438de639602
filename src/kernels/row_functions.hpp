// Norm and softmax of one row: what generation needs, whose one position lies along the vectors and
// not in a lane. Rows are aligned and have room for whole vectors.
#pragma once

#include "kernels/product.hpp"

namespace microgpt::kernels {

/// y = x / sqrt(mean(x²) + 1e-5), for `count` numbers; y may be x.
template <class Scalar>
void rmsnorm_row(const Scalar* x, Index count, Scalar* y);

/// The first `count` scores become softmax(scale · scores); those behind, up to a whole vector, 0.
template <class Scalar>
void softmax_row(Scalar* scores, Index count, Scalar scale);

}  // namespace microgpt::kernels
