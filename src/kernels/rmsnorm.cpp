#include "kernels/rmsnorm.hpp"

#include "kernels/elementary.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

// Σ a_i b_i down the features of one vector of positions, in four chains that do not wait for each
// other.
template <class Scalar>
Vector<Scalar> dot(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b, Index position) {
  constexpr int kChains = 4;
  const auto product = [&](Index i) {
    return load(a.row(i) + position) * load(b.row(i) + position);
  };
  Vector<Scalar> sum[kChains] = {};
  Index i = 0;
  for (; i + kChains <= a.rows; i += kChains) {
    unrolled<kChains>([&](auto c) __attribute__((always_inline)) { sum[c] += product(i + c); });
  }
  for (; i < a.rows; ++i) sum[0] += product(i);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

template <bool Add, class Scalar>
void backward(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
              const Matrix<const Scalar>& dy, const Matrix<Scalar>& dx) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(x.rows);
  for (Index p = 0; p < x.cols; p += kLanes<Scalar>) {
    const Vector<Scalar> s = load(inverse_rms + p);
    const Vector<Scalar> factor = dot<Scalar>(x, dy, p) * share * s * s * s;
    for (Index i = 0; i < x.rows; ++i) {
      Vector<Scalar> slope = load(dy.row(i) + p) * s - load(x.row(i) + p) * factor;
      if constexpr (Add) slope += load(dx.row(i) + p);
      store(dx.row(i) + p, slope);
    }
  }
}

}  // namespace

template <class Scalar>
void rmsnorm(const Matrix<const Scalar>& x, Scalar* inverse_rms, const Matrix<Scalar>& y) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(x.rows);
  constexpr auto kEpsilon = static_cast<Scalar>(kRmsNormEpsilon);
  for (Index p = 0; p < x.cols; p += kLanes<Scalar>) {
    const Vector<Scalar> s = 1 / sqrt<Scalar>(dot<Scalar>(x, x, p) * share + kEpsilon);
    store(inverse_rms + p, s);
    for (Index i = 0; i < x.rows; ++i) store(y.row(i) + p, load(x.row(i) + p) * s);
  }
}

template <class Scalar>
void rmsnorm_backward(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
                      const Matrix<const Scalar>& dy, const Matrix<Scalar>& dx) {
  backward<false>(x, inverse_rms, dy, dx);
}

template <class Scalar>
void rmsnorm_backward_add(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
                          const Matrix<const Scalar>& dy, const Matrix<Scalar>& dx) {
  backward<true>(x, inverse_rms, dy, dx);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                  \
  template void rmsnorm(const Matrix<const Scalar>&, Scalar*, const Matrix<Scalar>&); \
  template void rmsnorm_backward(const Matrix<const Scalar>&, const Scalar*,          \
                                 const Matrix<const Scalar>&, const Matrix<Scalar>&); \
  template void rmsnorm_backward_add(const Matrix<const Scalar>&, const Scalar*,      \
                                     const Matrix<const Scalar>&, const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
