#include "kernels/rmsnorm.hpp"

#include <type_traits>

#include "kernels/elementary.hpp"
#include "kernels/side_by_side.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

constexpr int kSideBySide = 4;

// Σ a_i b_i down the features of Count vectors of positions, in two chains each.
template <int Count, class Scalar>
[[gnu::always_inline]] inline void dot(const Matrix<const Scalar>& a, const Matrix<const Scalar>& b,
                                       Index position, Vector<Scalar> (&sum)[Count]) {
  Vector<Scalar> odd[Count] = {};
  unrolled<Count>([&](auto v) __attribute__((always_inline)) { sum[v] = Vector<Scalar>{}; });
  const auto add = [&](Index i, Vector<Scalar>(&to)[Count]) __attribute__((always_inline)) {
    unrolled<Count>([&](auto v) __attribute__((always_inline)) {
      const Index at = position + v * kLanes<Scalar>;
      to[v] = fma<Scalar>(load(a.row(i) + at), load(b.row(i) + at), to[v]);
    });
  };
  Index i = 0;
  for (; i + 2 <= a.rows; i += 2) {
    add(i, sum);
    add(i + 1, odd);
  }
  if (i < a.rows) add(i, sum);
  unrolled<Count>([&](auto v) __attribute__((always_inline)) { sum[v] += odd[v]; });
}

template <bool Add, class Scalar>
void backward(const Matrix<const Scalar>& x, const Scalar* inverse_rms,
              const Matrix<const Scalar>& dy, const Matrix<Scalar>& dx) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(x.rows);
  for_side_by_side<kSideBySide, Scalar>(
      x.cols, [&]<int Count>(std::integral_constant<int, Count>, Index first) {
        Vector<Scalar> s[Count], factor[Count];
        dot<Count, Scalar>(x, dy, first, factor);
        unrolled<Count>([&](auto v) __attribute__((always_inline)) {
          s[v] = load(inverse_rms + first + v * kLanes<Scalar>);
          factor[v] = -share * factor[v] * s[v] * s[v] * s[v];
        });
        for (Index i = 0; i < x.rows; ++i) {
          unrolled<Count>([&](auto v) __attribute__((always_inline)) {
            const Index at = first + v * kLanes<Scalar>;
            Vector<Scalar> slope = load(dy.row(i) + at);
            slope = Add ? fma<Scalar>(slope, s[v], load(dx.row(i) + at)) : slope * s[v];
            store(dx.row(i) + at, fma<Scalar>(load(x.row(i) + at), factor[v], slope));
          });
        }
      });
}

}  // namespace

template <class Scalar>
void rmsnorm(const Matrix<const Scalar>& x, Scalar* inverse_rms, const Matrix<Scalar>& y) {
  const Scalar share = Scalar{1} / static_cast<Scalar>(x.rows);
  constexpr auto kEpsilon = static_cast<Scalar>(kRmsNormEpsilon);
  for_side_by_side<kSideBySide, Scalar>(
      x.cols, [&]<int Count>(std::integral_constant<int, Count>, Index first) {
        Vector<Scalar> s[Count];
        dot<Count, Scalar>(x, x, first, s);
        unrolled<Count>([&](auto v) __attribute__((always_inline)) {
          // √a / a instead of 1 / √a, which would make a square that overflows a zero in silence.
          const Vector<Scalar> mean_square = fma<Scalar>(s[v], share, broadcast(kEpsilon));
          s[v] = sqrt<Scalar>(mean_square) / mean_square;
          store(inverse_rms + first + v * kLanes<Scalar>, s[v]);
        });
        for (Index i = 0; i < x.rows; ++i) {
          unrolled<Count>([&](auto v) __attribute__((always_inline)) {
            const Index at = first + v * kLanes<Scalar>;
            store(y.row(i) + at, load(x.row(i) + at) * s[v]);
          });
        }
      });
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
