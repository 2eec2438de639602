#include "kernels/cross_entropy.hpp"

#include <algorithm>
#include <array>
#include <numbers>

#include "kernels/elementary.hpp"
#include "kernels/side_by_side.hpp"
#include "kernels/simd.hpp"

namespace microgpt::kernels {
namespace {

constexpr int kSideBySide = 4;

// The logits of Count vectors of positions become exp(logit - max), and `sum` the sums of these;
// the losses of the first positions, as many as there are targets, go to `losses`.
template <int Count, class Scalar>
void exponentials_and_losses(const Matrix<Scalar>& logits, std::span<const std::int32_t> targets,
                             std::span<Scalar> losses, Vector<Scalar> (&sum)[Count]) {
  constexpr Index kWidth = kLanes<Scalar>;
  Vector<Scalar> largest[Count];
  unrolled<Count>([&](auto i) __attribute__((always_inline)) {
    largest[i] = load(logits.row(0) + i * kWidth);
  });
  for (Index v = 1; v < logits.rows; ++v) {
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      largest[i] = maximum(load(logits.row(v) + i * kWidth), largest[i]);
    });
  }

  alignas(kVectorBytes) std::array<Scalar, Count * kLanes<Scalar>> of_target{};
  for (std::size_t p = 0; p < targets.size(); ++p) of_target[p] = logits.row(targets[p])[p];

  constexpr auto kLog2E = static_cast<Scalar>(std::numbers::log2e);
  // Not the caller's sum, which might lie where exponentials are stored.
  Vector<Scalar> total[Count] = {};
  for (Index v = 0; v < logits.rows; ++v) {
    unrolled<Count>([&](auto i) __attribute__((always_inline)) {
      Scalar* const at = logits.row(v) + i * kWidth;
      const Vector<Scalar> exponential = exp2_of_product(load(at) - largest[i], kLog2E);
      store(at, exponential);
      total[i] += exponential;
    });
  }

  unrolled<Count>([&](auto i) __attribute__((always_inline)) {
    Scalar* const at = of_target.data() + i * kWidth;
    store(at, log<Scalar>(total[i]) - (load(at) - largest[i]));
    sum[i] = total[i];
  });
  std::copy_n(of_target.begin(), losses.size(), losses.begin());
}

// Calls body(vectors, columns, targets, losses, first position) for kSideBySide vectors of
// positions at a time, then for single ones.
template <class Scalar, class Body>
void for_vectors(const Matrix<Scalar>& logits, std::span<const std::int32_t> targets,
                 std::span<Scalar> losses, Body&& body) {
  const Index columns = padded<Scalar>(std::ssize(targets));
  for_side_by_side<kSideBySide, Scalar>(columns, [&](auto vectors, Index position) {
    const Index width = vectors * kLanes<Scalar>;
    const auto first = static_cast<std::size_t>(position);
    const auto count = std::min(static_cast<std::size_t>(width), targets.size() - first);
    body(vectors, logits.column_range(position, width), targets.subspan(first, count),
         losses.subspan(first, count), first);
  });
}

}  // namespace

template <class Scalar>
void cross_entropy(const Matrix<Scalar>& logits, std::span<const std::int32_t> targets,
                   std::span<Scalar> losses) {
  for_vectors(logits, targets, losses,
              [](auto vectors, auto columns, auto some_targets, auto some_losses, auto) {
                Vector<Scalar> sum[vectors];
                exponentials_and_losses<vectors, Scalar>(columns, some_targets, some_losses, sum);
              });
}

template <class Scalar>
void cross_entropy_with_gradient(const Matrix<Scalar>& logits,
                                 std::span<const std::int32_t> targets, const Scalar* scales,
                                 std::span<Scalar> losses) {
  for_vectors(
      logits, targets, losses,
      [&](auto vectors, auto columns, auto some_targets, auto some_losses, std::size_t first) {
        Vector<Scalar> sum[vectors];
        exponentials_and_losses<vectors, Scalar>(columns, some_targets, some_losses, sum);
        Vector<Scalar> factor[vectors];
        unrolled<vectors>(
            [&](auto i) { factor[i] = load(scales + first + i * kLanes<Scalar>) / sum[i]; });
        for (Index v = 0; v < columns.rows; ++v) {
          unrolled<vectors>([&](auto i) {
            Scalar* const at = columns.row(v) + i * kLanes<Scalar>;
            store(at, load(at) * factor[i]);
          });
        }
        for (std::size_t p = 0; p < some_targets.size(); ++p) {
          columns.row(some_targets[p])[p] -= scales[first + p];
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
