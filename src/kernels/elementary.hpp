// Elementary functions of whole vectors. exp2 is our own, since softmax spends its time there and
// wants true zeros; log is Eigen's. A lane's result does not depend on which lane it is.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/simd.hpp"

namespace microgpt::kernels {

// kRounding added and taken away rounds to an integer. kCoefficients are those of r, r², r³, …: of
// a minimax polynomial (Moshier, Cephes exp2f), and of the Taylor series, (ln 2)ⁿ / n!.
template <class Scalar>
struct Exp2Constants;

template <>
struct Exp2Constants<float> {
  static constexpr float kLowest = -126, kRounding = 0x1.8p23F;
  static constexpr std::array<float, 6> kCoefficients{6.931472028550421E-1F, 2.402264791363012E-1F,
                                                      5.550332471162809E-2F, 9.618437357674640E-3F,
                                                      1.339887440266574E-3F, 1.535336188319500E-4F};
};

template <>
struct Exp2Constants<double> {
  static constexpr double kLowest = -1022, kRounding = 0x1.8p52;
  static constexpr std::array<double, 13> kCoefficients = [] {
    std::array<double, 13> coefficients{};
    double last = 1;
    for (std::size_t n = 0; n < coefficients.size(); ++n) {
      last *= 0.693147180559945309417 / static_cast<double>(n + 1);
      coefficients[n] = last;
    }
    return coefficients;
  }();
};

/// 2ˣ of x = a · factor <= 1/2, within 1.5 units in the last place; 0 where it would not be larger
/// than the smallest normal number; NaN for NaN.
///   x = n + r with an integer n,  2ˣ = 2ⁿ 2ʳ,  |r| <= 1/2
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> exp2_of_product(Vector<Scalar> a, Scalar factor) {
  using Constants = Exp2Constants<Scalar>;
  constexpr Scalar kRounding = Constants::kRounding;
  const Vector<Scalar> n = fma<Scalar>(a, factor, broadcast(kRounding)) - kRounding;
  const Vector<Scalar> r = fma<Scalar>(a, factor, -n);
  constexpr int kDegree = static_cast<int>(Constants::kCoefficients.size());
  Vector<Scalar> polynomial = broadcast<Scalar>(Constants::kCoefficients[kDegree - 1]);
  unrolled<kDegree - 1>([&](auto i) __attribute__((always_inline)) {
    polynomial =
        fma<Scalar>(polynomial, r, broadcast<Scalar>(Constants::kCoefficients[kDegree - 2 - i]));
  });
  polynomial = fma<Scalar>(polynomial, r, broadcast<Scalar>(1));
  return a * factor <= Constants::kLowest ? Vector<Scalar>{}
                                          : times_power_of_two<Scalar>(polynomial, n);
}

// ln 2 in two parts: a multiple of the first by an integer is exact (Moshier, Cephes).
template <class Scalar>
inline constexpr std::array<Scalar, 2> kLn2 =
    sizeof(Scalar) == 4
        ? std::array<Scalar, 2>{Scalar(0.693359375), Scalar(-2.12194440e-4)}
        : std::array<Scalar, 2>{Scalar(6.93145751953125E-1), Scalar(1.42860682030941723212E-6)};

/// eˣ for x <= 0, as accurate however far x is from 0; 0, or one of the largest numbers that are
/// not normal, where it would not be a normal number; NaN for NaN.
///   x = n ln 2 + r with an integer n,  eˣ = 2ⁿ 2^(r / ln 2)
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> exp(Vector<Scalar> x) {
  using Constants = Exp2Constants<Scalar>;
  constexpr Scalar kLog2E = std::numbers::log2e_v<Scalar>;
  constexpr Scalar kRounding = Constants::kRounding;
  const Vector<Scalar> n = fma<Scalar>(x, kLog2E, broadcast(kRounding)) - kRounding;
  const Vector<Scalar> r = fma<Scalar>(n, -kLn2<Scalar>[1], fma<Scalar>(n, -kLn2<Scalar>[0], x));
  return n < Constants::kLowest ? Vector<Scalar>{}
                                : times_power_of_two<Scalar>(exp2_of_product(r, kLog2E), n);
}

template <class Scalar>
using LaneArray = Eigen::Array<Scalar, static_cast<int>(kLanes<Scalar>), 1>;

template <class Scalar>
inline Vector<Scalar> log(Vector<Scalar> x) {
  LaneArray<Scalar> lanes;
  store(lanes.data(), x);
  const LaneArray<Scalar> result = lanes.log();
  return load(result.data());
}

/// Correctly rounded, which Eigen's is not.
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> sqrt(Vector<Scalar> x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm512_sqrt_ps(x);
  } else {
    return _mm512_sqrt_pd(x);
  }
#elif defined(__AVX__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm256_sqrt_ps(x);
  } else {
    return _mm256_sqrt_pd(x);
  }
#elif defined(__SSE2__)
  if constexpr (sizeof(Scalar) == 4) {
    return _mm_sqrt_ps(x);
  } else {
    return _mm_sqrt_pd(x);
  }
#else
  Vector<Scalar> root;
  for (std::ptrdiff_t lane = 0; lane < kLanes<Scalar>; ++lane) root[lane] = std::sqrt(x[lane]);
  return root;
#endif
}

/// 1/x for finite x > 0, within two ulps where it is a normal number, else less than any. Where the
/// machine estimates reciprocals, an estimate r and a step of Newton's, r + r (1 - r x): the
/// divider is left to what needs it more.
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> quick_reciprocal(Vector<Scalar> x) {
#if defined(__AVX__)
  if constexpr (sizeof(Scalar) == 4) {
#if defined(__AVX512F__)
    const Vector<Scalar> estimate = _mm512_rcp14_ps(x);
#else
    const Vector<Scalar> estimate = _mm256_rcp_ps(x);
#endif
    const Vector<Scalar> error = fma<Scalar>(-estimate, x, broadcast<Scalar>(1));
    return fma<Scalar>(estimate, error, estimate);
  }
#endif
  return 1 / x;
}

/// The larger of each lane; b where a is NaN.
template <class V>
inline V maximum(V a, V b) {
  return a > b ? a : b;
}

}  // namespace microgpt::kernels
