#include "kernels/adam.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/elementary.hpp"
#include "kernels/side_by_side.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {

namespace {

// The moments of a parameter whose gradient stays 0 would decay until they, or what is made of
// them, are no normal numbers any more, and then take a core a hundred cycles each, step after
// step. Instead, a square never falls below kLeast, and a mean is rounded to multiples of kMeanUnit
// (1e-32 in a float): by adding, and taking away again, a number whose last digit that is.
template <class Scalar>
constexpr Scalar kLeast = std::numeric_limits<Scalar>::min();
template <class Scalar>
constexpr Scalar kMeanUnit = kLeast<Scalar>*(1 << 20);

constexpr int kSideBySide = kVectorRegisters >= 32 ? 4 : 2;

// What one step does to some vectors of parameters, side by side as side_by_side.hpp explains. What
// is the same for all of them is put together beforehand: with the bias corrections c1 and c2,
//   (1 - b2) g² = (√(1 - b2) g)²
//   lr m̂ / (√v̂ + eps) = (lr √c2 / c1) m / (√v + eps √c2)
template <class Scalar, bool Decays>
struct Update {
  explicit Update(const AdamStep& step)
      : beta1(static_cast<Scalar>(step.beta1)),
        beta2(static_cast<Scalar>(step.beta2)),
        share1(static_cast<Scalar>((1 - step.beta1) * step.gradient_scale)),
        root_of_share2(static_cast<Scalar>(std::sqrt(1 - step.beta2) * step.gradient_scale)),
        epsilon(static_cast<Scalar>(step.epsilon * std::sqrt(step.bias_correction2))),
        rate(static_cast<Scalar>(step.learning_rate * std::sqrt(step.bias_correction2) /
                                 step.bias_correction1)),
        decay(static_cast<Scalar>(step.learning_rate * step.weight_decay)) {}

  template <int Count>
  [[gnu::always_inline]] void operator()(const Vector<Scalar> (&gradient)[Count],
                                         Vector<Scalar> (&parameter)[Count],
                                         Vector<Scalar> (&m)[Count], Vector<Scalar> (&v)[Count],
                                         Vector<Scalar>& sum_of_squares) const {
    const Vector<Scalar> least = broadcast(kLeast<Scalar>);
    const Vector<Scalar> rounding =
        broadcast(kMeanUnit<Scalar> / std::numeric_limits<Scalar>::epsilon());
    Vector<Scalar> root[Count];
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      const Vector<Scalar> root_of_square = gradient[i] * root_of_share2;
      const Vector<Scalar> square = fma<Scalar>(root_of_square, root_of_square, least);
      sum_of_squares += square;
      v[i] = fma<Scalar>(v[i], beta2, square);
      m[i] = fma<Scalar>(m[i], beta1, fma<Scalar>(gradient[i], share1, rounding)) - rounding;
    });
    unrolled<Count>([&](auto i)
                        __attribute__((always_inline)) { root[i] = sqrt<Scalar>(v[i]) + epsilon; });
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      const Vector<Scalar> decayed =
          Decays ? fma<Scalar>(parameter[i], -decay, parameter[i]) : parameter[i];
      parameter[i] = fma<Scalar>(m[i] * -rate, quick_reciprocal<Scalar>(root[i]), decayed);
    });
  }

  Scalar beta1, beta2, share1, root_of_share2, epsilon, rate, decay;
};

template <class Scalar, class Update>
Scalar update_all(const Update& update, std::span<const Scalar> gradient,
                  std::span<Scalar> parameters, std::span<Scalar> m, std::span<Scalar> v) {
  Vector<Scalar> sum{};
  const auto take = [&]<int Count>(std::integral_constant<int, Count>, Index first,
                                   auto&& load_from, auto&& store_to)
      __attribute__((always_inline)) {
    Vector<Scalar> of_gradient[Count], of_parameters[Count], of_m[Count], of_v[Count];
    const auto load_all = [&](auto from, auto& to) __attribute__((always_inline)) {
      unrolled<Count>([&](auto i) __attribute__((always_inline)) {
        to[i] = load_from(from.data() + first + i * kLanes<Scalar>);
      });
    };
    const auto store_all = [&](auto to, const auto& from) __attribute__((always_inline)) {
      unrolled<Count>([&](auto i) __attribute__((always_inline)) {
        store_to(to.data() + first + i * kLanes<Scalar>, from[i]);
      });
    };
    load_all(gradient, of_gradient);
    load_all(m, of_m);
    load_all(v, of_v);
    load_all(parameters, of_parameters);
    update(of_gradient, of_parameters, of_m, of_v, sum);
    store_all(m, of_m);
    store_all(v, of_v);
    store_all(parameters, of_parameters);
  };
  const auto load_whole = [](const Scalar* from) __attribute__((always_inline)) {
    return load(from);
  };
  const auto store_whole = [](Scalar * to, Vector<Scalar> vector) __attribute__((always_inline)) {
    store(to, vector);
  };
  // Other cores have read the parameters, and each line takes a while to become this one's own.
  constexpr Index kAhead = 16;
  const Index rest = std::ssize(gradient) % kLanes<Scalar>;
  const Index whole = std::ssize(gradient) - rest;
  for_side_by_side<kSideBySide, Scalar>(
      whole, [&](auto count, Index first) __attribute__((always_inline)) {
        for (Index i = 0; i < count; ++i) {
          __builtin_prefetch(parameters.data() + first + (kAhead + i) * kLanes<Scalar>, 1);
        }
        take(count, first, load_whole, store_whole);
      });
  if (rest > 0) {
    take(
        std::integral_constant<int, 1>{}, whole,
        [rest](const Scalar* from) { return load_partial(from, rest); },
        [rest](Scalar* to, Vector<Scalar> vector) { store_partial(to, vector, rest); });
  }
  return across_lanes<Scalar>(sum, [](auto a, auto b) { return a + b; })[0];
}

}  // namespace

template <class Scalar>
Scalar adam_update(const AdamStep& step, std::span<const Scalar> gradient,
                   std::span<Scalar> parameters, std::span<Scalar> m, std::span<Scalar> v) {
  if (step.weight_decay == 0) {
    return update_all(Update<Scalar, false>(step), gradient, parameters, m, v);
  }
  return update_all(Update<Scalar, true>(step), gradient, parameters, m, v);
}

#define MICROGPT_INSTANTIATE(Scalar)                                                       \
  template Scalar adam_update(const AdamStep&, std::span<const Scalar>, std::span<Scalar>, \
                              std::span<Scalar>, std::span<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
