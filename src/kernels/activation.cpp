#include "kernels/activation.hpp"

#include <numbers>

#include "kernels/elementary.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

// x where it is positive or NaN, else 0.
template <class Scalar>
Vector<Scalar> positive_part(Vector<Scalar> x) {
  return x <= 0 ? Vector<Scalar>{} : x;
}

// Each activation as value(x), and as slope(x, y) where y = value(x) is known.
template <class Scalar>
struct ReluSquared {
  static Vector<Scalar> value(Vector<Scalar> x) {
    const Vector<Scalar> part = positive_part<Scalar>(x);
    return part * part;
  }
  static void value_and_slope(Vector<Scalar> x, Vector<Scalar>& y, Vector<Scalar>& slope) {
    const Vector<Scalar> part = positive_part<Scalar>(x);
    y = part * part;
    slope = part + part;
  }
};

template <class Scalar>
struct Relu {
  static Vector<Scalar> value(Vector<Scalar> x) { return positive_part<Scalar>(x); }
  static void value_and_slope(Vector<Scalar> x, Vector<Scalar>& y, Vector<Scalar>& slope) {
    y = positive_part<Scalar>(x);
    slope = x <= 0 ? Vector<Scalar>{} : Vector<Scalar>{} + 1;
  }
};

// With u = √(2/π) (x + 0.044715 x³), (1 + tanh(u)) / 2 is the logistic function of 2u: no
// difference of near numbers where x is negative, and one exponential.
template <class Scalar>
struct Gelu {
  // 2 √(2/π) and GPT-2's cubic coefficient.
  static constexpr auto kScale = static_cast<Scalar>(1.59576912160573071176);
  static constexpr auto kCubic = static_cast<Scalar>(0.044715);
  // Far above, and squares overflow; there, gelu is max(0, x) already.
  static constexpr Scalar kMostSquare = 1e6;

  struct Logistic {
    Vector<Scalar> value;  // of 2u
    Vector<Scalar> slope;  // d value / dx
  };

  static Logistic logistic(Vector<Scalar> x) {
    Vector<Scalar> square = x * x;
    square = square > kMostSquare ? Vector<Scalar>{} + kMostSquare : square;
    const Vector<Scalar> inner = kScale * x * (1 + kCubic * square);
    const Vector<Scalar> magnitude = x < 0 ? -inner : inner;
    const Vector<Scalar> e = exp2<Scalar>(magnitude * -std::numbers::log2e_v<Scalar>);
    const Vector<Scalar> larger = 1 / (1 + e);
    const Vector<Scalar> smaller = e * larger;
    return {.value = x < 0 ? smaller : larger,
            .slope = smaller * larger * (kScale * (1 + 3 * kCubic * square))};
  }
  static Vector<Scalar> value(Vector<Scalar> x) { return x * logistic(x).value; }
  static void value_and_slope(Vector<Scalar> x, Vector<Scalar>& y, Vector<Scalar>& slope) {
    const Logistic of = logistic(x);
    y = x * of.value;
    slope = of.value + x * of.slope;
  }
};

// Rows without gaps between them are one long row.
template <class Scalar>
Matrix<Scalar> as_one_row(const Matrix<Scalar>& matrix) {
  return {matrix.data, 1, matrix.rows * matrix.cols, matrix.rows * matrix.cols};
}

template <class... Scalar>
bool without_gaps(const Matrix<Scalar>&... matrices) {
  return ((matrices.stride == matrices.cols) && ...);
}

template <class Function, class Scalar>
void apply(const Matrix<const Scalar>& x, const Matrix<Scalar>& y) {
  if (x.rows > 1 && without_gaps(x, y)) {
    return apply<Function, Scalar>(as_one_row(x), as_one_row(y));
  }
  for (Index r = 0; r < x.rows; ++r) {
    for (Index i = 0; i < x.cols; i += kLanes<Scalar>) {
      store(y.row(r) + i, Function::value(load(x.row(r) + i)));
    }
  }
}

template <class Function, class Scalar>
void apply_backward(const Matrix<const Scalar>& x, const Matrix<Scalar>& y,
                    const Matrix<Scalar>& dy) {
  if (x.rows > 1 && without_gaps(x, y, dy)) {
    return apply_backward<Function, Scalar>(as_one_row(x), as_one_row(y), as_one_row(dy));
  }
  for (Index r = 0; r < x.rows; ++r) {
    for (Index i = 0; i < x.cols; i += kLanes<Scalar>) {
      Vector<Scalar> value;
      Vector<Scalar> slope;
      Function::value_and_slope(load(x.row(r) + i), value, slope);
      store(y.row(r) + i, value);
      store(dy.row(r) + i, load(dy.row(r) + i) * slope);
    }
  }
}

// Calls body with the functions of the activation.
template <class Scalar, class Body>
void with_functions(Activation activation, Body&& body) {
  switch (activation) {
    case Activation::relu_squared:
      return body(ReluSquared<Scalar>{});
    case Activation::relu:
      return body(Relu<Scalar>{});
    case Activation::gelu:
      return body(Gelu<Scalar>{});
  }
}

}  // namespace

template <class Scalar>
void activate(Activation activation, const Matrix<const Scalar>& x, const Matrix<Scalar>& y) {
  with_functions<Scalar>(activation,
                         [&]<class Function>(Function) { apply<Function, Scalar>(x, y); });
}

template <class Scalar>
void activate_backward(Activation activation, const Matrix<const Scalar>& x,
                       const Matrix<Scalar>& y, const Matrix<Scalar>& dy) {
  with_functions<Scalar>(
      activation, [&]<class Function>(Function) { apply_backward<Function, Scalar>(x, y, dy); });
}

#define MICROGPT_INSTANTIATE(Scalar)                                                              \
  template void activate(Activation, const Matrix<const Scalar>&, const Matrix<Scalar>&);         \
  template void activate_backward(Activation, const Matrix<const Scalar>&, const Matrix<Scalar>&, \
                                  const Matrix<Scalar>&);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
