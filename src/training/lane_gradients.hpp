// The buffers in which workers compute the gradients of this process's lanes.
//
// Where one gradient takes little memory, each lane has its buffer. Otherwise there are little more
// than one for each worker: lanes are begun in order, and a worker that finds no free buffer first
// adds two finished subtrees that are siblings in the tree over the lanes. As every addition is one
// of that tree's, the sum has the same bits in either case, whoever was first.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <vector>

#include "distributed/reduction_plan.hpp"
#include "microgpt/aligned_buffer.hpp"
#include "microgpt/model.hpp"
#include "model/weights.hpp"
#include "training/tree_sum.hpp"

namespace microgpt {

/// Buffers of `gradient_bytes` for `workers` workers of a process, in steps where it has at most
/// `limits`.
[[nodiscard]] int gradient_buffers(const ReductionLimits& limits, int workers,
                                   std::size_t gradient_bytes);

template <class Scalar>
class LaneGradients {
 public:
  /// All memory is taken here.
  LaneGradients(const ModelShape& shape, const ReductionLimits& limits, int workers);

  /// Whether workers are to begin lanes in order.
  [[nodiscard]] bool in_order() const { return std::ssize(buffers_) < max_lanes_; }

  /// Begins a step of `all_lanes` lanes, of which this process computes `own`.
  void begin_step(LaneRange own, int all_lanes);

  /// Where the gradient of `lanes` is to be computed: of one lane, or the sum of some that
  /// are a subtree. It
  /// holds anything. May add others, and wait for them.
  [[nodiscard]] const Weights<Scalar>& begin(LaneRange lanes);
  /// It is there.
  void finish(LaneRange lanes);

  /// When all lanes are finished: the sums within `node`, in order; valid until the next call.
  [[nodiscard]] std::span<const SubtreeSum<Scalar>> subtrees(const ReductionNode& node);

 private:
  // Lanes whose gradient is in one buffer, or will be.
  struct Subtree {
    LaneRange lanes;
    std::size_t buffer = 0;
    bool finished = false;
  };

  [[nodiscard]] Subtree& subtree_from(int lane) {
    return subtrees_[static_cast<std::size_t>(lane - own_.first)];
  }
  [[nodiscard]] std::size_t take_free_buffer(LaneRange lanes);
  [[nodiscard]] Subtree* find_left_sibling();
  void add_siblings(Subtree& left, std::unique_lock<std::mutex>& lock);

  int max_lanes_;
  std::vector<AlignedBuffer<Scalar>> buffers_;
  std::vector<Weights<Scalar>> views_;
  std::vector<SubtreeSum<Scalar>> sums_;

  // Of the step under way.
  LaneRange own_;
  int all_lanes_ = 0;
  std::vector<Subtree> subtrees_;  // by their first lane

  // Where lanes are begun in order: the next one, and the buffers that no subtree holds.
  int next_lane_ = 0;
  std::vector<std::size_t> free_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace microgpt
