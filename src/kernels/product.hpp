// The matrix product that everything else is made of:
//
//   C[m][n] (+)= Σ_k A[m][k] · B[k][n]
//
// B and C are row-major; A may be seen transposed (any strides). The three products of a linear
// layer all have this form, so one kernel serves forward, input gradient and weight gradient.
// Most models here are narrow (16 to some hundred columns), where packing operands would cost more
// than it gains: tiles of C live in registers, and A and B are read where they lie. What lies far
// apart in the matrices of larger models is copied first.
//
// Each element of C is summed over k in ascending order, whatever the other sizes are: the bits of
// a row depend neither on how many rows are multiplied together nor on which rows stand around it.
#pragma once

#include <span>

#include "kernels/matrix.hpp"

namespace microgpt::kernels {

/// c = a · b for a (m x k), b (k x n), c (m x n).
template <class Scalar>
void multiply(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
              const Matrix<Scalar>& c);

/// c = addend + (a · b): the product is summed first. The addend shares no memory with c.
template <class Scalar>
void multiply_add(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                  const Matrix<const Scalar>& addend, const Matrix<Scalar>& c);

/// c = c + a · b: each sum begins with what c holds.
template <class Scalar>
void accumulate(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                const Matrix<Scalar>& c);

/// c = (a₁ · b₁ + a₂ · b₂) + (a₃ · b₃ + a₄ · b₄), or half of that, or a · b, for as many `parts`:
/// a₁ is the first parts[0] columns of a, b₁ as many rows of b, and so on. Each product is summed
/// first: the bits are those of products and additions.
template <class Scalar>
void multiply_parts(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                    std::span<const Index> parts, const Matrix<Scalar>& c);

/// c = aᵀ · b for a (k x m), b (k x n), c (m x n).
template <class Scalar>
void multiply_transposed(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                         const Matrix<Scalar>& c);

}  // namespace microgpt::kernels
