// What a worker takes at a time: one lane, or two or four neighbours.
//
// The tree over the lanes adds lanes 2i and 2i + 1 first, and then the sums of two neighbours. A
// worker that has them packs them into one piece, and its products leave their sum: the same bits
// as lanes and additions, but fewer and larger products, and fewer gradients. What cannot be shared
// evenly in fours is shared in pairs, and what cannot be in pairs, lane by lane; and none are taken
// together that do not fit into a piece.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "distributed/reduction_plan.hpp"

namespace microgpt {

class LaneWork {
 public:
  /// `lanes` in the order of the tree, for so many workers; at most `together` (1, 2 or 4) at once.
  LaneWork(LaneRange lanes, int workers, int together) {
    const int aligned = std::min((lanes.first + together - 1) / together * together, lanes.end);
    add(lanes.first, aligned - lanes.first, 1);
    int next = aligned;
    for (int size = together; size >= 1; size /= 2) {
      int count = (lanes.end - next) / size;
      if (size > 1) count -= count % workers;
      add(next, count, size);
      next += count * size;
    }
  }

  [[nodiscard]] int items() const { return items_; }

  /// Item 0 .. items() - 1, in the order of their lanes.
  [[nodiscard]] LaneRange item(int index) const {
    std::size_t group = 0;
    while (index >= groups_[group].count) index -= groups_[group++].count;
    const auto& [first, count, size] = groups_[group];
    return {.first = first + index * size, .end = first + (index + 1) * size};
  }

 private:
  struct Group {
    int first = 0;  // lane
    int count = 0;  // of items
    int size = 1;   // of an item, in lanes
  };

  void add(int first, int count, int size) {
    groups_[used_++] = {.first = first, .count = count, .size = size};
    items_ += count;
  }

  std::array<Group, 4> groups_;
  std::size_t used_ = 0;
  int items_ = 0;
};

}  // namespace microgpt
