// Elementary functions of whole vectors, from Eigen: each lane is rounded alike, whichever it is.
#pragma once

#include <Eigen/Core>

#include "kernels/simd.hpp"

namespace microgpt::kernels {

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
inline Vector<Scalar> exp(Vector<Scalar> x) {
  return by_eigen<Scalar>(x, [](const auto& lanes) { return lanes.exp(); });
}
template <class Scalar>
inline Vector<Scalar> log(Vector<Scalar> x) {
  return by_eigen<Scalar>(x, [](const auto& lanes) { return lanes.log(); });
}
template <class Scalar>
inline Vector<Scalar> tanh(Vector<Scalar> x) {
  return by_eigen<Scalar>(x, [](const auto& lanes) { return lanes.tanh(); });
}
template <class Scalar>
inline Vector<Scalar> sqrt(Vector<Scalar> x) {
  return by_eigen<Scalar>(x, [](const auto& lanes) { return lanes.sqrt(); });
}

/// The larger of each lane; b where a is NaN.
template <class V>
inline V maximum(V a, V b) {
  return a > b ? a : b;
}

}  // namespace microgpt::kernels
