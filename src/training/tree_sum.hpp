// The sum of gradients in the order of the tree over the lanes (distributed/reduction_plan.hpp),
// slice by slice.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "distributed/reduction_plan.hpp"

namespace microgpt {

/// The finished sum of a subtree of the lanes.
template <class Scalar>
struct SubtreeSum {
  LaneRange lanes;
  std::span<Scalar> values;
};

/// Every slice is read once from each subtree, and its sum written once; what lies between stays in
/// the first-level cache.
template <class Scalar>
class TreeSum {
 public:
  /// For up to `max_subtrees` subtrees. All memory is taken here.
  explicit TreeSum(int max_subtrees);

  /// Plans the sum of `subtrees`, neighbours that make up one subtree of the `all_lanes` lanes of a
  /// step. The places of slices are in the first `places` of them, in turn.
  void plan(std::span<const SubtreeSum<Scalar>> subtrees, int all_lanes, int places);

  /// The place of a slice: where it lies in one of the subtrees.
  [[nodiscard]] std::span<Scalar> slice(std::size_t slice) const;

  /// Computes one slice in `room`, which is as long as the longest, or is the slice's place.
  /// Returns the slice: a part of `room`, or of the only subtree. Different slices at the same
  /// time, if you like.
  [[nodiscard]] std::span<const Scalar> add_slice(std::size_t slice, std::span<Scalar> room) const;

  /// Computes one slice, and leaves it in its place.
  void add_slice(std::size_t slice) const { (void)add_slice(slice, this->slice(slice)); }

 private:
  struct Source {
    std::span<Scalar> values;
    int additions = 0;  ///< of the two topmost sums, after this one was put on the stack
  };

  std::vector<Source> sources_;
  std::vector<LaneRange> stack_;
  std::size_t places_ = 1;
};

}  // namespace microgpt
