// Elementary functions of whole vectors. exp is our own, since softmax spends its time there and
// wants true zeros; log and tanh are Eigen's. A lane's result does not depend on which lane it is.
#pragma once

#include <Eigen/Core>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/simd.hpp"

namespace microgpt::kernels {

template <class Scalar>
struct ExpConstants;

// Below `kLowest` the result would not be a normal number, above `kHighest` not finite. A sum with
// `kRoundToInteger` rounds to an integer, and holds it in its low bits. The kCoefficients are those
// of r², r³, …: of a minimax polynomial (Moshier, Cephes expf) and of the Taylor series.
template <>
struct ExpConstants<float> {
  using Integer = std::int32_t;
  static constexpr float kLowest = -87.33654F, kHighest = 88.37626F;
  static constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  static constexpr float kRoundToInteger = 0x1.8p23F;
  static constexpr int kMantissaBits = 23, kExponentBias = 127;
  static constexpr std::array<float, 6> kCoefficients{5.0000001201e-1F, 1.6666665459e-1F,
                                                      4.1665795894e-2F, 8.3334519073e-3F,
                                                      1.3981999507e-3F, 1.9875691500e-4F};
};

template <>
struct ExpConstants<double> {
  using Integer = std::int64_t;
  static constexpr double kLowest = -708.396418532264, kHighest = 709.0;
  static constexpr double kLog2E = 1.44269504088896340736;
  static constexpr double kLn2High = 6.93147180369123816490e-01;
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kRoundToInteger = 0x1.8p52;
  static constexpr int kMantissaBits = 52, kExponentBias = 1023;
  static constexpr std::array<double, 12> kCoefficients{
      1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,      1.0 / 720,       1.0 / 5040,
      1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
};

/// exp(x), within 2 units in the last place; 0 where it would not be a normal number; the largest
/// that the polynomial reaches (2e38, or 8e307) where it would not be finite; NaN for NaN.
///   x = n ln 2 + r with an integer n,  exp(x) = 2ⁿ exp(r),  |r| <= ln 2 / 2
template <class Scalar>
[[gnu::always_inline]] inline Vector<Scalar> exp(Vector<Scalar> x) {
  using Constants = ExpConstants<Scalar>;
  using Integer = typename Constants::Integer;
  const Vector<Scalar> bounded =
      x > Constants::kHighest ? Vector<Scalar>{} + Constants::kHighest : x;
  const Vector<Scalar> shifted = bounded * Constants::kLog2E + Constants::kRoundToInteger;
  const Vector<Scalar> n = shifted - Constants::kRoundToInteger;
  const Vector<Scalar> r = bounded - n * Constants::kLn2High - n * Constants::kLn2Low;

  constexpr int kDegree = static_cast<int>(Constants::kCoefficients.size());
  Vector<Scalar> polynomial = Vector<Scalar>{} + Constants::kCoefficients[kDegree - 1];
  unrolled<kDegree - 1>([&](auto i) __attribute__((always_inline)) {
    polynomial = polynomial * r + Constants::kCoefficients[kDegree - 2 - i];
  });
  const Vector<Scalar> exp_r = polynomial * (r * r) + r + 1;

  constexpr Integer kZero = std::bit_cast<Integer>(Constants::kRoundToInteger);
  const auto exponent =
      std::bit_cast<Vector<Integer>>(shifted) - (kZero - Constants::kExponentBias);
  const auto two_to_n = std::bit_cast<Vector<Scalar>>(exponent << Constants::kMantissaBits);
  return x < Constants::kLowest ? Vector<Scalar>{} : exp_r * two_to_n;
}

template <class Scalar>
using LaneArray = Eigen::Array<Scalar, static_cast<int>(kLanes<Scalar>), 1>;

template <class Scalar, class Function>
[[gnu::always_inline]] inline Vector<Scalar> by_eigen(Vector<Scalar> x, Function&& function) {
  LaneArray<Scalar> lanes;
  store(lanes.data(), x);
  const LaneArray<Scalar> result = function(lanes);
  return load(result.data());
}

template <class Scalar>
inline Vector<Scalar> log(Vector<Scalar> x) {
  return by_eigen<Scalar>(x, [](const auto& lanes) { return lanes.log(); });
}
template <class Scalar>
inline Vector<Scalar> tanh(Vector<Scalar> x) {
  return by_eigen<Scalar>(x, [](const auto& lanes) { return lanes.tanh(); });
}
/// Correctly rounded, which Eigen's is not.
template <class Scalar>
inline Vector<Scalar> sqrt(Vector<Scalar> x) {
  Vector<Scalar> root;
  for (std::ptrdiff_t lane = 0; lane < kLanes<Scalar>; ++lane) root[lane] = std::sqrt(x[lane]);
  return root;
}

/// The larger of each lane; b where a is NaN.
template <class V>
inline V maximum(V a, V b) {
  return a > b ? a : b;
}

}  // namespace microgpt::kernels
