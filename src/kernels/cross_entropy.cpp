#include "kernels/cross_entropy.hpp"

#include <algorithm>
#include <numbers>

#include "kernels/elementary.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

// The logits of one vector of positions become exp(logit - max); the losses of its first positions,
// as many as there are targets, go to `losses`. Returns the sums of the exponentials.
template <class Scalar>
Vector<Scalar> exponentials_and_losses(const Matrix<Scalar>& logits,
                                       std::span<const std::int32_t> targets,
                                       std::span<Scalar> losses) {
  Vector<Scalar> largest = load(logits.row(0));
  for (Index v = 1; v < logits.rows; ++v) largest = maximum(load(logits.row(v)), largest);

  LaneArray<Scalar> of_target = LaneArray<Scalar>::Zero();
  for (std::size_t lane = 0; lane < targets.size(); ++lane) {
    of_target[static_cast<Index>(lane)] = logits.row(targets[lane])[lane];
  }

  constexpr auto kLog2E = static_cast<Scalar>(std::numbers::log2e);
  Vector<Scalar> sum{};
  for (Index v = 0; v < logits.rows; ++v) {
    const Vector<Scalar> exponential = exp2<Scalar>((load(logits.row(v)) - largest) * kLog2E);
    store(logits.row(v), exponential);
    sum += exponential;
  }

  const Vector<Scalar> loss = log<Scalar>(sum) - (load(of_target.data()) - largest);
  store_partial(losses.data(), loss, static_cast<Index>(losses.size()));
  return sum;
}

// Calls body(columns, targets, losses) for one vector of positions after the other.
template <class Scalar, class Body>
void for_vectors(const Matrix<Scalar>& logits, std::span<const std::int32_t> targets,
                 std::span<Scalar> losses, Body&& body) {
  for (std::size_t p = 0; p < targets.size(); p += kLanes<Scalar>) {
    const std::size_t count = std::min<std::size_t>(kLanes<Scalar>, targets.size() - p);
    body(logits.column_range(static_cast<Index>(p), kLanes<Scalar>), targets.subspan(p, count),
         losses.subspan(p, count), p);
  }
}

}  // namespace

template <class Scalar>
void cross_entropy(const Matrix<Scalar>& logits, std::span<const std::int32_t> targets,
                   std::span<Scalar> losses) {
  for_vectors(logits, targets, losses, [](auto columns, auto some_targets, auto some_losses, auto) {
    (void)exponentials_and_losses<Scalar>(columns, some_targets, some_losses);
  });
}

template <class Scalar>
void cross_entropy_with_gradient(const Matrix<Scalar>& logits,
                                 std::span<const std::int32_t> targets, const Scalar* scales,
                                 std::span<Scalar> losses) {
  for_vectors(logits, targets, losses,
              [&](auto columns, auto some_targets, auto some_losses, std::size_t first) {
                const Vector<Scalar> sum =
                    exponentials_and_losses<Scalar>(columns, some_targets, some_losses);
                const Vector<Scalar> factor = load(scales + first) / sum;
                for (Index v = 0; v < columns.rows; ++v) {
                  store(columns.row(v), load(columns.row(v)) * factor);
                }
                for (std::size_t lane = 0; lane < some_targets.size(); ++lane) {
                  columns.row(some_targets[lane])[lane] -= scales[first + lane];
                }
              });
}

#define MICROGPT_INSTANTIATE(Scalar)                                                              \
  template void cross_entropy(const Matrix<Scalar>&, std::span<const std::int32_t>,               \
                              std::span<Scalar>);                                                 \
  template void cross_entropy_with_gradient(const Matrix<Scalar>&, std::span<const std::int32_t>, \
                                            const Scalar*, std::span<Scalar>);
MICROGPT_INSTANTIATE(float)
MICROGPT_INSTANTIATE(double)
#undef MICROGPT_INSTANTIATE

}  // namespace microgpt::kernels
