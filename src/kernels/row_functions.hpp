// Norm, softmax and attention of one row: what generation needs, whose one position lies along the
// vectors and not in a lane. Rows are aligned and have room for whole vectors.
#pragma once

#include "kernels/matrix.hpp"

namespace microgpt::kernels {

/// y = x / sqrt(mean(x²) + 1e-5), for `count` numbers; y may be x.
template <class Scalar>
void rmsnorm_row(const Scalar* x, Index count, Scalar* y);

/// The first `count` scores become softmax(scale · scores); those behind, up to a whole vector, 0.
template <class Scalar>
void softmax_row(Scalar* scores, Index count, Scalar scale);

/// Multi-head attention of one query (C) over positions t that it sees, as in
/// kernels/attention.hpp: keys: C x positions, values: positions x C, out: C. `scores`, n_head x
/// positions, is room for the probabilities.
template <class Scalar>
void attention_row(const Scalar* query, const Matrix<const Scalar>& keys,
                   const Matrix<const Scalar>& values, const Matrix<Scalar>& scores, Scalar* out);

}  // namespace microgpt::kernels
