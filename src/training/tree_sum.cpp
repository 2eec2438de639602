#include "training/tree_sum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "kernels/gradient_sums.hpp"
#include "training/batch_plan.hpp"
#include "training/slices.hpp"

namespace microgpt {
namespace {

// The levels of the tree over so many lanes.
constexpr auto kMostLevels = static_cast<std::size_t>(std::bit_width(std::uint64_t{kMaxLanes}));
// Scalars that are taken at a time.
constexpr std::size_t kStretch = 512;
static_assert(kSlice % kStretch == 0);

}  // namespace

template <class Scalar>
TreeSum<Scalar>::TreeSum(int max_subtrees) {
  sources_.reserve(static_cast<std::size_t>(max_subtrees));
  stack_.reserve(static_cast<std::size_t>(max_subtrees));
}

template <class Scalar>
void TreeSum<Scalar>::plan(std::span<const SubtreeSum<Scalar>> subtrees, int all_lanes,
                           int places) {
  sources_.clear();
  stack_.clear();
  for (const SubtreeSum<Scalar>& subtree : subtrees) {
    sources_.push_back({.values = subtree.values});
    stack_.push_back(subtree.lanes);
    while (stack_.size() > 1 && are_siblings(stack_[stack_.size() - 2], stack_.back(), all_lanes)) {
      stack_[stack_.size() - 2].end = stack_.back().end;
      stack_.pop_back();
      ++sources_.back().additions;
    }
  }
  places_ = std::min(sources_.size(), static_cast<std::size_t>(places));
}

template <class Scalar>
std::span<Scalar> TreeSum<Scalar>::slice(std::size_t slice) const {
  return slice_of(sources_[slice % places_].values, slice);
}

template <class Scalar>
std::span<const Scalar> TreeSum<Scalar>::add_slice(std::size_t slice,
                                                   std::span<Scalar> room) const {
  const std::span<Scalar> place = this->slice(slice);
  if (sources_.size() == 1) return place;
  const std::span<Scalar> sum = room.first(place.size());
  // Sum i of the stack is a source, or lies in row i.
  alignas(line_memory::kCacheLine) std::array<std::array<Scalar, kStretch>, kMostLevels> rows;
  std::array<const Scalar*, kMostLevels> stack;
  for (std::size_t first = 0; first < sum.size(); first += kStretch) {
    const std::size_t count = std::min(kStretch, sum.size() - first);
    std::size_t depth = 0;
    for (const Source& source : sources_) {
      stack[depth++] = slice_of(source.values, slice).data() + first;
      for (int i = 0; i < source.additions; ++i) {
        --depth;
        const bool last = &source == &sources_.back() && i + 1 == source.additions;
        Scalar* const to = last ? sum.data() + first : rows[depth - 1].data();
        kernels::add(stack[depth - 1], stack[depth], count, to);
        stack[depth - 1] = to;
      }
    }
  }
  return sum;
}

template class TreeSum<float>;
template class TreeSum<double>;

}  // namespace microgpt
