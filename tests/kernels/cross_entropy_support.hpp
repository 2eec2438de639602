// Logits of several positions with their targets, as the kernels take them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "kernels/cross_entropy.hpp"
#include "support.hpp"

namespace microgpt::kernels {

/// Random logits: characters x positions.
template <class Scalar>
class LogitsCase {
 public:
  LogitsCase(Index characters, std::vector<std::int32_t> position_targets)
      : logits(Grid<Scalar>::random(characters, std::ssize(position_targets), 1)),
        targets(std::move(position_targets)),
        losses(1, std::ssize(targets)),
        scales(1, std::ssize(targets)) {
    scales.fill(1);
    scales.fill_behind_rows(0);
  }

  void forward() { cross_entropy<Scalar>(logits, targets, losses_span()); }
  void forward_with_gradient() {
    cross_entropy_with_gradient<Scalar>(logits, targets, scales.row(0), losses_span());
  }

  [[nodiscard]] Index positions() const { return logits.cols(); }
  [[nodiscard]] Index target(Index p) const { return targets[static_cast<std::size_t>(p)]; }

  Grid<Scalar> logits;
  std::vector<std::int32_t> targets;
  Grid<Scalar> losses, scales;

 private:
  std::span<Scalar> losses_span() { return {losses.row(0), targets.size()}; }
};

/// As many targets, all characters by turns.
inline std::vector<std::int32_t> targets_by_turns(Index characters, Index positions) {
  std::vector<std::int32_t> targets;
  for (Index p = 0; p < positions; ++p) {
    targets.push_back(static_cast<std::int32_t>((p + positions) % characters));
  }
  return targets;
}

}  // namespace microgpt::kernels
