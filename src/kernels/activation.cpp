#include "kernels/activation.hpp"

#include <numbers>

#include "kernels/elementary.hpp"
#include "kernels/side_by_side.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

// x where it is positive or NaN, else 0.
template <class Scalar>
Vector<Scalar> positive_part(Vector<Scalar> x) {
  return x <= 0 ? Vector<Scalar>{} : x;
}

// Each activation for some vectors x side by side: x becomes value(x), and slope its derivative.
template <class Scalar>
struct ReluSquared {
  static constexpr int kSideBySide = 1;

  template <int Count>
  static void value(Vector<Scalar> (&x)[Count]) {
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      const Vector<Scalar> part = positive_part<Scalar>(x[i]);
      x[i] = part * part;
    });
  }
  template <int Count>
  static void value_and_slope(Vector<Scalar> (&x)[Count], Vector<Scalar> (&slope)[Count]) {
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      const Vector<Scalar> part = positive_part<Scalar>(x[i]);
      x[i] = part * part;
      slope[i] = part + part;
    });
  }
};

template <class Scalar>
struct Relu {
  static constexpr int kSideBySide = 1;

  template <int Count>
  static void value(Vector<Scalar> (&x)[Count]) {
    unrolled<Count>([&](auto i)
                        __attribute__((always_inline)) { x[i] = positive_part<Scalar>(x[i]); });
  }
  template <int Count>
  static void value_and_slope(Vector<Scalar> (&x)[Count], Vector<Scalar> (&slope)[Count]) {
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      slope[i] = x[i] <= 0 ? Vector<Scalar>{} : broadcast<Scalar>(1);
      x[i] = positive_part<Scalar>(x[i]);
    });
  }
};

// With u = √(2/π) (x + 0.044715 x³), (1 + tanh(u)) / 2 is the logistic function of 2u: no
// difference of near numbers where x is negative, and one exponential.
template <class Scalar>
struct Gelu {
  static constexpr int kSideBySide = 8;
  // 2 √(2/π) and GPT-2's cubic coefficient.
  static constexpr auto kScale = static_cast<Scalar>(1.59576912160573071176);
  static constexpr auto kCubic = static_cast<Scalar>(0.044715);
  // Squares are capped here: far larger ones overflow, and gelu is max(0, x) long before.
  static constexpr Scalar kMostSquare = 1e6;

  // The logistic function of 2|u| and of -2|u|, and x².
  template <int Count>
  struct Logistic {
    [[gnu::always_inline]] explicit Logistic(const Vector<Scalar> (&x)[Count]) {
      unrolled<Count>([&](auto i) __attribute__((always_inline)) {
        square[i] = x[i] * x[i];
        square[i] = square[i] > kMostSquare ? broadcast(kMostSquare) : square[i];
        const Vector<Scalar> inner =
            kScale * x[i] * fma<Scalar>(square[i], kCubic, broadcast<Scalar>(1));
        smaller[i] = x[i] < 0 ? -inner : inner;
      });
      unrolled<Count>([&](auto i) __attribute__((always_inline)) {
        smaller[i] = exp2_of_product(smaller[i], -std::numbers::log2e_v<Scalar>);
      });
      unrolled<Count>([&](auto i) __attribute__((always_inline)) {
        larger[i] = 1 / (1 + smaller[i]);
        smaller[i] *= larger[i];
      });
    }

    Vector<Scalar> square[Count], larger[Count], smaller[Count];
  };

  template <int Count>
  static void value(Vector<Scalar> (&x)[Count]) {
    const Logistic<Count> of(x);
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      x[i] *= x[i] < 0 ? of.smaller[i] : of.larger[i];
    });
  }
  template <int Count>
  static void value_and_slope(Vector<Scalar> (&x)[Count], Vector<Scalar> (&slope)[Count]) {
    const Logistic<Count> of(x);
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      const Vector<Scalar> logistic = x[i] < 0 ? of.smaller[i] : of.larger[i];
      const Vector<Scalar> d_inner =
          kScale * fma<Scalar>(of.square[i], 3 * kCubic, broadcast<Scalar>(1));
      slope[i] = fma<Scalar>(x[i], of.smaller[i] * of.larger[i] * d_inner, logistic);
      x[i] *= logistic;
    });
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
    for_side_by_side<Function::kSideBySide, Scalar>(
        x.cols, [&](auto count, Index first) __attribute__((always_inline)) {
          Vector<Scalar> values[count];
          unrolled<count>([&](auto i) __attribute__((always_inline)) {
            values[i] = load(x.row(r) + first + i * kLanes<Scalar>);
          });
          Function::value(values);
          unrolled<count>([&](auto i) __attribute__((always_inline)) {
            store(y.row(r) + first + i * kLanes<Scalar>, values[i]);
          });
        });
  }
}

template <class Function, class Scalar>
void apply_backward(const Matrix<const Scalar>& x, const Matrix<Scalar>& y,
                    const Matrix<Scalar>& dy) {
  if (x.rows > 1 && without_gaps(x, y, dy)) {
    return apply_backward<Function, Scalar>(as_one_row(x), as_one_row(y), as_one_row(dy));
  }
  for (Index r = 0; r < x.rows; ++r) {
    for_side_by_side<Function::kSideBySide, Scalar>(
        x.cols, [&](auto count, Index first) __attribute__((always_inline)) {
          Vector<Scalar> values[count], slope[count];
          unrolled<count>([&](auto i) __attribute__((always_inline)) {
            values[i] = load(x.row(r) + first + i * kLanes<Scalar>);
          });
          Function::value_and_slope(values, slope);
          unrolled<count>([&](auto i) __attribute__((always_inline)) {
            const Index column = first + i * kLanes<Scalar>;
            store(y.row(r) + column, values[i]);
            store(dy.row(r) + column, load(dy.row(r) + column) * slope[i]);
          });
        });
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
