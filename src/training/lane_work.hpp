// What a worker takes at a time: two neighbouring lanes, or one.
//
// The tree over the lanes adds lanes 2i and 2i + 1 first. A worker that has both packs them into
// one piece, and its products leave their sum: the same bits as two lanes and an addition, but
// fewer and larger products. Where pairs cannot be shared evenly, the rest are single lanes; and
// all are, where two do not fit into a piece.
#pragma once

#include "distributed/reduction_plan.hpp"

namespace microgpt {

class LaneWork {
 public:
  LaneWork(LaneRange lanes, int workers, bool pairs_fit = true)
      : lanes_(lanes),
        first_pair_(lanes.first + lanes.first % 2),
        pairs_(lanes.size() == 0 || !pairs_fit ? 0 : (lanes.end - first_pair_) / 2) {
    pairs_ -= pairs_ % workers;
  }

  [[nodiscard]] int items() const { return lanes_.size() - pairs_; }

  /// Item 0 .. items() - 1, in the order of their lanes.
  [[nodiscard]] LaneRange item(int index) const {
    const int pair = index - (first_pair_ - lanes_.first);
    if (pair >= 0 && pair < pairs_) return {first_pair_ + 2 * pair, first_pair_ + 2 * pair + 2};
    const int lane = lanes_.first + index + (pair < 0 ? 0 : pairs_);
    return {lane, lane + 1};
  }

 private:
  LaneRange lanes_;
  int first_pair_;
  int pairs_;
};

}  // namespace microgpt
