#include "training/lane_gradients.hpp"

#include <algorithm>
#include <bit>

#include "kernels/gradient_sums.hpp"

namespace microgpt {
namespace {

// Up to so many bytes in all, each lane has its own.
constexpr std::size_t kSmallBytes = std::size_t{1} << 26U;

}  // namespace

// The lanes begun are always the first ones. When they are finished, the last node among them has
// no more than log2 of its lanes subtrees that cannot be added yet, and each earlier node has one:
// with a buffer more there is one for the next lane, and each further worker may hold one, too.
int gradient_buffers(const ReductionLimits& limits, int workers, std::size_t gradient_bytes) {
  const int lanes = limits.lanes_of_a_rank;
  if (static_cast<std::size_t>(lanes) * gradient_bytes <= kSmallBytes) return lanes;
  const auto levels = static_cast<int>(std::bit_width(static_cast<unsigned>(lanes - 1)));
  return std::min(lanes, levels + limits.nodes_of_a_rank + workers - 1);
}

template <class Scalar>
LaneGradients<Scalar>::LaneGradients(const ModelShape& shape, const ReductionLimits& limits,
                                     int workers)
    : max_lanes_(limits.lanes_of_a_rank) {
  const auto size = static_cast<std::size_t>(ParameterLayout(shape).size());
  const int buffers = gradient_buffers(limits, workers, size * sizeof(Scalar));
  for (int buffer = 0; buffer < buffers; ++buffer) {
    buffers_.emplace_back(size);
    views_.emplace_back(shape, buffers_.back().data());
  }
  const auto lanes = static_cast<std::size_t>(max_lanes_);
  sums_.reserve(lanes);
  subtrees_.resize(lanes);
  free_.reserve(buffers_.size());
}

template <class Scalar>
void LaneGradients<Scalar>::begin_step(LaneRange own, int all_lanes) {
  own_ = own;
  all_lanes_ = all_lanes;
  std::ranges::fill(subtrees_, Subtree{});
  if (!in_order()) return;
  next_lane_ = own.first;
  free_.clear();
  for (std::size_t buffer = buffers_.size(); buffer-- > 0;) free_.push_back(buffer);
}

template <class Scalar>
const Weights<Scalar>& LaneGradients<Scalar>::begin(LaneRange lanes) {
  Subtree& subtree = subtree_from(lanes.first);
  subtree.lanes = lanes;
  subtree.buffer =
      in_order() ? take_free_buffer(lanes) : static_cast<std::size_t>(lanes.first - own_.first);
  return views_[subtree.buffer];
}

template <class Scalar>
std::size_t LaneGradients<Scalar>::take_free_buffer(LaneRange lanes) {
  std::unique_lock lock(mutex_);
  while (next_lane_ != lanes.first || free_.empty()) {
    Subtree* const left = find_left_sibling();
    if (left != nullptr && free_.empty()) {
      add_siblings(*left, lock);
    } else {
      changed_.wait(lock);
    }
  }
  next_lane_ = lanes.end;
  const std::size_t buffer = free_.back();
  free_.pop_back();
  changed_.notify_all();
  return buffer;
}

template <class Scalar>
void LaneGradients<Scalar>::finish(LaneRange lanes) {
  if (!in_order()) return;
  {
    const std::lock_guard lock(mutex_);
    subtree_from(lanes.first).finished = true;
  }
  changed_.notify_all();
}

// The first of two finished siblings, if there are any.
template <class Scalar>
typename LaneGradients<Scalar>::Subtree* LaneGradients<Scalar>::find_left_sibling() {
  for (int lane = own_.first; lane < own_.end; ++lane) {
    Subtree& left = subtree_from(lane);
    if (!left.finished || left.lanes.end >= own_.end) continue;
    const Subtree& right = subtree_from(left.lanes.end);
    if (right.finished && are_siblings(left.lanes, right.lanes, all_lanes_)) return &left;
  }
  return nullptr;
}

template <class Scalar>
void LaneGradients<Scalar>::add_siblings(Subtree& left, std::unique_lock<std::mutex>& lock) {
  Subtree& right = subtree_from(left.lanes.end);
  left.finished = false;
  right.finished = false;
  lock.unlock();
  AlignedBuffer<Scalar>& sum = buffers_[left.buffer];
  kernels::add(sum.data(), buffers_[right.buffer].data(), sum.size(), sum.data());
  lock.lock();
  left.lanes.end = right.lanes.end;
  left.finished = true;
  free_.push_back(right.buffer);
  changed_.notify_all();
}

template <class Scalar>
std::span<const SubtreeSum<Scalar>> LaneGradients<Scalar>::subtrees(const ReductionNode& node) {
  sums_.clear();
  for (int lane = node.lanes.first; lane < node.lanes.end;) {
    const Subtree& subtree = subtree_from(lane);
    sums_.push_back({.lanes = subtree.lanes, .values = buffers_[subtree.buffer].values()});
    lane = subtree.lanes.end;
  }
  return sums_;
}

template class LaneGradients<float>;
template class LaneGradients<double>;

}  // namespace microgpt
