// What the tests of the kernels share: matrices with guarded edges, and slopes by central
// differences. Truth is computed in long double, by loops that say what a kernel is to compute.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/product.hpp"
#include "kernels/simd.hpp"
#include "microgpt/aligned_buffer.hpp"
#include "microgpt/random.hpp"

namespace microgpt::kernels {

using Exact = long double;
using Scalars = ::testing::Types<float, double>;

template <class Scalar>
inline constexpr Exact kEpsilon = std::numeric_limits<Scalar>::epsilon();

/// A matrix with memory of its own. The first row starts on a vector boundary, and so do all others
/// unless another stride is asked for: a vector more than the row takes. What lies around the
/// elements holds a value to be found again.
template <class Scalar>
class Grid {
 public:
  Grid(Index rows, Index cols) : Grid(rows, cols, default_stride(cols)) {}
  Grid(Index rows, Index cols, Index stride)
      : rows_(rows),
        cols_(cols),
        stride_(stride),
        buffer_(static_cast<std::size_t>(rows * stride + 2 * kEdge)) {
    std::ranges::fill(buffer_.values(), kGuard);
    fill(0);
  }

  /// Normally distributed elements.
  static Grid random(Index rows, Index cols, std::uint64_t seed) {
    return random(rows, cols, default_stride(cols), seed);
  }
  static Grid random(Index rows, Index cols, Index stride, std::uint64_t seed) {
    Grid grid(rows, cols, stride);
    PythonRandom stream(seed);
    grid.for_each([&](Scalar& element) { element = static_cast<Scalar>(stream.gauss(0, 1)); });
    return grid;
  }

  /// The same, with the same around it.
  [[nodiscard]] Grid copy() const {
    Grid grid(rows_, cols_, stride_);
    std::ranges::copy(buffer_.values(), grid.buffer_.data());
    return grid;
  }

  [[nodiscard]] Index rows() const { return rows_; }
  [[nodiscard]] Index cols() const { return cols_; }
  [[nodiscard]] Scalar& operator()(Index r, Index c) { return first()[r * stride_ + c]; }
  [[nodiscard]] Scalar operator()(Index r, Index c) const {
    return buffer_.data()[kEdge + r * stride_ + c];
  }
  [[nodiscard]] Scalar* row(Index r) { return first() + r * stride_; }

  [[nodiscard]] Matrix<Scalar> matrix() { return {first(), rows_, cols_, stride_}; }
  operator Matrix<Scalar>() { return matrix(); }
  operator Matrix<const Scalar>() { return matrix(); }

  void fill(Scalar value) {
    for_each([value](Scalar& element) { element = value; });
  }

  /// Up to the end of its last vector, what lies behind each row becomes `value`.
  void fill_behind_rows(Scalar value) {
    for (Index r = 0; r < rows_; ++r)
      std::fill(row(r) + cols_, row(r) + padded<Scalar>(cols_), value);
  }

  /// All that is no element becomes `value`.
  void fill_surroundings(Scalar value) {
    for (Index i = 0; i < std::ssize(buffer_.values()); ++i) {
      if (!within_columns(i, cols_)) buffer_.data()[i] = value;
    }
  }

  template <class Body>
  void for_each(Body&& body) {
    for (Index r = 0; r < rows_; ++r) {
      for (Index c = 0; c < cols_; ++c) body((*this)(r, c));
    }
  }

  /// The elements, without what lies between the rows.
  [[nodiscard]] std::vector<Scalar> values() const {
    std::vector<Scalar> values;
    for (Index r = 0; r < rows_; ++r) {
      for (Index c = 0; c < cols_; ++c) values.push_back((*this)(r, c));
    }
    return values;
  }

  [[nodiscard]] std::vector<Scalar> column(Index c) const {
    std::vector<Scalar> values;
    for (Index r = 0; r < rows_; ++r) values.push_back((*this)(r, c));
    return values;
  }

  /// Whether nothing but elements was ever written.
  [[nodiscard]] bool edges_are_whole() const { return untouched_beyond(cols_); }

  /// Whether nothing was ever written but elements, and what fills the last vector of each row.
  [[nodiscard]] bool surroundings_are_whole() const {
    return untouched_beyond(padded<Scalar>(cols_));
  }

 private:
  static constexpr Index kEdge = 64;  // scalars, so that the first row stays aligned
  static constexpr Scalar kGuard = -12345;

  static Index default_stride(Index cols) { return padded<Scalar>(cols) + kLanes<Scalar>; }

  [[nodiscard]] bool within_columns(Index at, Index cols) const {
    at -= kEdge;
    return at >= 0 && at < rows_ * stride_ && at % stride_ < cols;
  }
  [[nodiscard]] bool untouched_beyond(Index cols) const {
    for (Index i = 0; i < std::ssize(buffer_.values()); ++i) {
      if (!within_columns(i, cols) && buffer_.data()[i] != kGuard) return false;
    }
    return true;
  }

  Scalar* first() { return buffer_.data() + kEdge; }

  Index rows_, cols_, stride_;
  AlignedBuffer<Scalar> buffer_;
};

/// Whether the same bits stand at both places: -0 is not 0, and a NaN is itself.
template <class Scalar>
bool same_bits(const Scalar* a, const Scalar* b, Index count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(Scalar)) == 0;
}
template <class Scalar>
bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), std::ssize(a));
}

/// |actual - expected| <= tolerance, in long double; never of a NaN.
inline ::testing::AssertionResult near(Exact actual, Exact expected, Exact tolerance) {
  if (std::abs(actual - expected) <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << actual << " instead of " << expected << ", off by "
                                       << actual - expected << ", more than " << tolerance;
}

/// The slope of `function()` as `x` changes.
template <class Function>
Exact slope(Function&& function, Exact& x, Exact h = 1e-5L) {
  const Exact middle = x;
  x = middle + h;
  const Exact above = function();
  x = middle - h;
  const Exact below = function();
  x = middle;
  return (above - below) / (2 * h);
}

}  // namespace microgpt::kernels
