#include "kernels/adam.hpp"

#include <cmath>
#include <limits>

#include "kernels/elementary.hpp"
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

// What one step does to a vector of parameters.
template <class Scalar>
struct Update {
  explicit Update(const AdamStep& step)
      : scale(static_cast<Scalar>(step.gradient_scale)),
        beta1(static_cast<Scalar>(step.beta1)),
        beta2(static_cast<Scalar>(step.beta2)),
        rest1(static_cast<Scalar>(1 - step.beta1)),
        rest2(static_cast<Scalar>(1 - step.beta2)),
        unbias2(static_cast<Scalar>(1 / std::sqrt(step.bias_correction2))),
        epsilon(static_cast<Scalar>(step.epsilon)),
        rate(static_cast<Scalar>(step.learning_rate / step.bias_correction1)),
        decay(static_cast<Scalar>(step.learning_rate * step.weight_decay)) {}

  [[gnu::always_inline]] void operator()(Vector<Scalar> gradient, Vector<Scalar>& parameter,
                                         Vector<Scalar>& m, Vector<Scalar>& v) const {
    const Vector<Scalar> slope = gradient * scale;
    constexpr Scalar kRounding = kMeanUnit<Scalar> / std::numeric_limits<Scalar>::epsilon();
    m = (beta1 * m + (rest1 * slope + kRounding)) - kRounding;
    v = beta2 * v + (rest2 * (slope * slope) + kLeast<Scalar>);
    const Vector<Scalar> root = sqrt<Scalar>(v) * unbias2 + epsilon;
    parameter -= m * (rate * quick_reciprocal<Scalar>(root)) + decay * parameter;
  }

  Scalar scale, beta1, beta2, rest1, rest2, unbias2, epsilon, rate, decay;
};

}  // namespace

template <class Scalar>
void adam_update(const AdamStep& step, std::span<const Scalar> gradient,
                 std::span<Scalar> parameters, std::span<Scalar> m, std::span<Scalar> v) {
  const Update<Scalar> update(step);
  const auto take = [&](std::size_t i, auto&& load_from, auto&& store_to)
      __attribute__((always_inline)) {
    Vector<Scalar> parameter = load_from(parameters.data() + i);
    Vector<Scalar> mean = load_from(m.data() + i);
    Vector<Scalar> square = load_from(v.data() + i);
    update(load_from(gradient.data() + i), parameter, mean, square);
    store_to(m.data() + i, mean);
    store_to(v.data() + i, square);
    store_to(parameters.data() + i, parameter);
  };
  constexpr auto kWidth = static_cast<std::size_t>(kLanes<Scalar>);
  // Other cores have read the parameters, and each line takes a while to become this one's own.
  constexpr std::size_t kAhead = 16;
  std::size_t i = 0;
  for (; i + kWidth <= gradient.size(); i += kWidth) {
    __builtin_prefetch(parameters.data() + i + kAhead * kWidth, 1);
    take(
        i, [](const Scalar* from) __attribute__((always_inline)) { return load(from); },
        [](Scalar * to, Vector<Scalar> vector)
            __attribute__((always_inline)) { store(to, vector); });
  }
  if (const auto rest = static_cast<std::ptrdiff_t>(gradient.size() - i); rest > 0) {
    take(
        i, [rest](const Scalar* from) { return load_partial(from, rest); },
        [rest](Scalar* to, Vector<Scalar> vector) { store_partial(to, vector, rest); });
  }
}

#define MICROGPT_INSTANTIATE(Scalar)                                                     \
  template void adam_update(const AdamStep&, std::span<const Scalar>, std::span<Scalar>, \
                            std::span<Scalar>, std::span<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
