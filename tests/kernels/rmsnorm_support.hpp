// RMSNorm of the columns of a matrix, by its formula.
#pragma once

#include <array>
#include <numeric>
#include <vector>

#include "kernels/rmsnorm.hpp"
#include "support.hpp"

namespace microgpt::kernels {

inline Exact inverse_rms_of(const std::vector<Exact>& x) {
  const Exact squares = std::inner_product(x.begin(), x.end(), x.begin(), Exact{0});
  return 1 / std::sqrt(squares / static_cast<Exact>(x.size()) + 1e-5L);
}

template <class Scalar>
std::vector<Exact> exact_column(const Grid<Scalar>& grid, Index c) {
  const auto column = grid.column(c);
  return {column.begin(), column.end()};
}

/// Columns of values from tiny to large by turns, every fifth of them zero.
template <class Scalar>
Grid<Scalar> columns_of_all_sizes(Index features, Index positions) {
  constexpr std::array kSizes{1.0, 1e-3, 1e-6, 1e6, 0.0};
  auto x = Grid<Scalar>::random(features, positions, 1);
  for (Index p = 0; p < positions; ++p) {
    for (Index i = 0; i < features; ++i) {
      x(i, p) *= static_cast<Scalar>(kSizes[static_cast<std::size_t>(p % 5)]);
    }
  }
  return x;
}

/// Calls body(features, positions) for numbers around those that vectors and chains of sums take.
template <class Body>
void for_norm_sizes(Body&& body) {
  for (const Index features : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100}) {
    for (const Index positions : {1, 2, 4, 5, 8, 9, 15, 16, 17, 33}) body(features, positions);
  }
}

/// The norm of a matrix of columns. What lies behind the columns, up to whole vectors, is not a
/// number.
template <class Scalar>
struct Norm {
  explicit Norm(Grid<Scalar>& x) : inverse_rms(1, x.cols()), y(x.rows(), x.cols()) {
    x.fill_behind_rows(std::numeric_limits<Scalar>::quiet_NaN());
    rmsnorm<Scalar>(x, inverse_rms.row(0), y);
  }

  [[nodiscard]] const Scalar* kept() { return inverse_rms.row(0); }
  [[nodiscard]] Scalar factor(Index p) const { return inverse_rms(0, p); }

  Grid<Scalar> inverse_rms;
  Grid<Scalar> y;
};

}  // namespace microgpt::kernels
