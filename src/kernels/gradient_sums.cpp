#include "kernels/gradient_sums.hpp"

#include <algorithm>

namespace microgpt::kernels {

template <class Scalar>
double sum_of_squares(std::span<const Scalar> values) {
  // Chains that do not wait for each other, added in pairs in the end.
  constexpr int kChains = 8;
  constexpr auto kWidth = static_cast<std::size_t>(kLanes<double>);
  Vector<double> sums[kChains] = {};
  const Scalar* next = values.data();
  std::size_t left = values.size();
  for (; left >= kChains * kWidth; left -= kChains * kWidth, next += kChains * kWidth) {
    unrolled<kChains>([&](auto c) __attribute__((always_inline)) {
      const Vector<double> value = load_as_double(next + c * kWidth);
      sums[c] = fma<double>(value, value, sums[c]);
    });
  }
  for (std::size_t c = 0; left > 0; ++c) {
    const std::size_t count = std::min(left, kWidth);
    for (std::size_t lane = 0; lane < count; ++lane) {
      const auto value = static_cast<double>(next[lane]);
      sums[c][lane] += value * value;
    }
    next += count;
    left -= count;
  }
  for (int half = kChains / 2; half > 0; half /= 2) {
    for (int c = 0; c < half; ++c) sums[c] += sums[c + half];
  }
  return across_lanes<double>(sums[0], [](auto a, auto b) { return a + b; })[0];
}

template double sum_of_squares(std::span<const float>);
template double sum_of_squares(std::span<const double>);

}  // namespace microgpt::kernels
