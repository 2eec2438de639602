// The tree over the lanes as its definition says it (distributed/reduction_plan.hpp): in place,
// lane by lane, of numbers whose sum tells one order of additions from another.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "distributed/reduction_plan.hpp"

namespace microgpt::test {

/// One gradient a lane.
template <class Scalar>
using Gradients = std::vector<std::vector<Scalar>>;

/// Numbers of either sign, from a millionth to a million.
template <class Scalar>
Gradients<Scalar> rough_gradients(int lanes, std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  Gradients<Scalar> gradients(static_cast<std::size_t>(lanes), std::vector<Scalar>(size));
  for (auto& gradient : gradients) {
    for (Scalar& number : gradient) {
      const auto mantissa = static_cast<double>(random()) / 4294967296.0 - 0.5;
      number = static_cast<Scalar>(std::ldexp(mantissa, static_cast<int>(random() % 41) - 20));
    }
  }
  return gradients;
}

/// The sum of a subtree: it comes to be in its first lane.
template <class Scalar>
std::vector<Scalar> tree_sum(const Gradients<Scalar>& gradients, LaneRange subtree) {
  Gradients<Scalar> sums(gradients.begin() + subtree.first, gradients.begin() + subtree.end);
  for (int distance = 1; distance < subtree.size(); distance *= 2) {
    for (int lane = subtree.first; lane + distance < subtree.end; ++lane) {
      if (lane % (2 * distance) != 0) continue;
      auto& to = sums[static_cast<std::size_t>(lane - subtree.first)];
      const auto& from = sums[static_cast<std::size_t>(lane + distance - subtree.first)];
      for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    }
  }
  return sums[0];
}

}  // namespace microgpt::test
