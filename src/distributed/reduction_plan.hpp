// Who adds which gradients when several processes share the lanes of a step, so that the sum has
// the same bits as in one process.
//
// The sum is one binary tree over the lanes' numbers: for d = 1, 2, 4, ... each lane i that is a
// multiple of 2d takes lane i + d, where there is one. A process owns consecutive lanes. It adds up
// the largest subtrees that lie within them, the nodes; what is left of the tree, above the nodes,
// is done by whoever has received all nodes of a slice of the gradient.
//
//   7 lanes, 2 processes     ((0 1) (2 3))  |  ((4 5) 6)         one node each
//   6 lanes, 3 processes     (0 1) | (2 3) | (4 5)               one node each, then (01 23) 45
//
// With 2^k processes each has one node; otherwise some have a few. To keep them few, the borders
// between processes are multiples of a power of two, as large as balance allows: no process has
// more than an eighth more lanes than an equal share, rounded up.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace microgpt {

/// Lanes first .. end - 1.
struct LaneRange {
  int first = 0;
  int end = 0;

  [[nodiscard]] int size() const { return end - first; }
  bool operator==(const LaneRange&) const = default;
};

/// Whether `left` and `right` are subtrees that the tree over `lanes` lanes adds to each other.
[[nodiscard]] bool are_siblings(LaneRange left, LaneRange right, int lanes);

/// A subtree that one process adds up, into its first lane.
struct ReductionNode {
  LaneRange lanes;
  int rank = 0;   ///< the process that owns the lanes
  int index = 0;  ///< among the nodes of that process
};

/// Node `to` takes node `from`; both are numbers of nodes.
struct NodeAddition {
  std::size_t to;
  std::size_t from;
};

class ReductionPlan {
 public:
  /// For steps of at most `max_lanes` lanes, shared by `ranks` processes.
  ReductionPlan(int max_lanes, int ranks);

  /// Plans a step of `lanes` lanes, 1 .. max_lanes. Allocates nothing.
  void set_lanes(int lanes);

  [[nodiscard]] LaneRange lanes_of(int rank) const;
  /// All nodes, by their lanes; so those of a process follow each other.
  [[nodiscard]] std::span<const ReductionNode> nodes() const { return nodes_; }
  [[nodiscard]] std::span<const ReductionNode> nodes_of(int rank) const;
  /// The most nodes of a process.
  [[nodiscard]] int most_nodes() const { return most_nodes_; }
  /// The additions above the nodes, in their order; the sum comes to be in node 0.
  [[nodiscard]] std::span<const NodeAddition> additions() const { return additions_; }

 private:
  void share_out_lanes();
  void find_nodes(int rank);
  void find_additions();

  int lanes_ = 0;
  int ranks_;
  int most_nodes_ = 0;
  std::vector<int> first_lane_;          // by rank, and the end
  std::vector<std::size_t> first_node_;  // by rank, and the end
  std::vector<ReductionNode> nodes_;
  std::vector<std::size_t> node_at_;  // by lane: the node that it belongs to
  std::vector<NodeAddition> additions_;
};

/// The most that any step of 1 .. max_lanes lanes asks for.
struct ReductionLimits {
  int lanes_of_a_rank = 0;
  int nodes_of_a_rank = 0;
  int nodes = 0;
};
[[nodiscard]] ReductionLimits reduction_limits(int max_lanes, int ranks);

/// `slices` slices in `ranks` consecutive shards of almost equal size: shard r is slices
/// bounds[r] .. bounds[r + 1].
[[nodiscard]] std::vector<std::size_t> shard_bounds(std::size_t slices, int ranks);

}  // namespace microgpt
