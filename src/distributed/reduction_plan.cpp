#include "distributed/reduction_plan.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace microgpt {
namespace {

int divide_up(int number, int divisor) { return (number + divisor - 1) / divisor; }

int floor_power_of_two(int number) {
  return static_cast<int>(std::bit_floor(static_cast<unsigned>(number)));
}

int ceil_power_of_two(int number) {
  return static_cast<int>(std::bit_ceil(static_cast<unsigned>(number)));
}

// The largest power of two that borders between processes can be multiples of without anybody's
// share growing by more than an eighth.
int border_step(int lanes, int ranks) {
  const int share = divide_up(lanes, ranks);
  int step = floor_power_of_two(share);
  while (step > 1 && divide_up(divide_up(lanes, step), ranks) * step > share + share / 8) step /= 2;
  return step;
}

}  // namespace

bool are_siblings(LaneRange left, LaneRange right, int lanes) {
  const int span = left.size();
  return std::has_single_bit(static_cast<unsigned>(span)) && left.first % (2 * span) == 0 &&
         right.first == left.end && right.end == std::min(left.end + span, lanes);
}

ReductionPlan::ReductionPlan(int max_lanes, int ranks) : ranks_(ranks) {
  const auto lanes = static_cast<std::size_t>(max_lanes);
  first_lane_.resize(static_cast<std::size_t>(ranks) + 1);
  first_node_.resize(static_cast<std::size_t>(ranks) + 1);
  nodes_.reserve(lanes);
  node_at_.resize(lanes);
  additions_.reserve(lanes);
}

void ReductionPlan::set_lanes(int lanes) {
  if (lanes == lanes_) return;
  lanes_ = lanes;
  share_out_lanes();
  nodes_.clear();
  most_nodes_ = 0;
  for (int rank = 0; rank < ranks_; ++rank) {
    first_node_[static_cast<std::size_t>(rank)] = nodes_.size();
    find_nodes(rank);
    const auto found = nodes_.size() - first_node_[static_cast<std::size_t>(rank)];
    most_nodes_ = std::max(most_nodes_, static_cast<int>(found));
  }
  first_node_.back() = nodes_.size();
  find_additions();
}

void ReductionPlan::share_out_lanes() {
  const int step = border_step(lanes_, ranks_);
  const std::int64_t steps = divide_up(lanes_, step);
  for (int rank = 0; rank <= ranks_; ++rank) {
    const auto border = static_cast<int>(steps * rank / ranks_) * step;
    first_lane_[static_cast<std::size_t>(rank)] = std::min(border, lanes_);
  }
}

void ReductionPlan::find_nodes(int rank) {
  const LaneRange own = lanes_of(rank);
  for (int first = own.first; first < own.end;) {
    // A subtree that starts here spans as many lanes as the largest power of two that divides the
    // lane's number, or fewer where the tree ends.
    int span = first == 0 ? ceil_power_of_two(lanes_) : first & -first;
    while (std::min(first + span, lanes_) > own.end) span /= 2;
    const LaneRange lanes{.first = first, .end = std::min(first + span, lanes_)};
    const auto before = first_node_[static_cast<std::size_t>(rank)];
    for (int lane = lanes.first; lane < lanes.end; ++lane) {
      node_at_[static_cast<std::size_t>(lane)] = nodes_.size();
    }
    nodes_.push_back(
        {.lanes = lanes, .rank = rank, .index = static_cast<int>(nodes_.size() - before)});
    first = lanes.end;
  }
}

void ReductionPlan::find_additions() {
  additions_.clear();
  for (int distance = 1; distance < lanes_; distance *= 2) {
    for (int lane = 0; lane + distance < lanes_; lane += 2 * distance) {
      const auto to = static_cast<std::size_t>(lane);
      const NodeAddition addition{.to = node_at_[to],
                                  .from = node_at_[to + static_cast<std::size_t>(distance)]};
      if (addition.to != addition.from) additions_.push_back(addition);
    }
  }
}

LaneRange ReductionPlan::lanes_of(int rank) const {
  return {.first = first_lane_[static_cast<std::size_t>(rank)],
          .end = first_lane_[static_cast<std::size_t>(rank) + 1]};
}

std::span<const ReductionNode> ReductionPlan::nodes_of(int rank) const {
  const auto r = static_cast<std::size_t>(rank);
  return std::span(nodes_).subspan(first_node_[r], first_node_[r + 1] - first_node_[r]);
}

ReductionLimits reduction_limits(int max_lanes, int ranks) {
  ReductionLimits limits;
  ReductionPlan plan(max_lanes, ranks);
  for (int lanes = 1; lanes <= max_lanes; ++lanes) {
    plan.set_lanes(lanes);
    for (int rank = 0; rank < ranks; ++rank) {
      limits.lanes_of_a_rank = std::max(limits.lanes_of_a_rank, plan.lanes_of(rank).size());
    }
    limits.nodes_of_a_rank = std::max(limits.nodes_of_a_rank, plan.most_nodes());
    limits.nodes = std::max(limits.nodes, static_cast<int>(plan.nodes().size()));
  }
  return limits;
}

std::vector<std::size_t> shard_bounds(std::size_t slices, int ranks) {
  const auto count = static_cast<std::size_t>(ranks);
  std::vector<std::size_t> bounds(count + 1);
  for (std::size_t rank = 0; rank <= count; ++rank) bounds[rank] = slices * rank / count;
  return bounds;
}

}  // namespace microgpt
