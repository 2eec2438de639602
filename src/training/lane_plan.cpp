#include "training/lane_plan.hpp"

#include <algorithm>

namespace microgpt {

LanePlan::LanePlan(const BatchLimits& limits, std::int64_t batch_size,
                   std::int64_t longest_document)
    : limits_(limits), next_of_length_(static_cast<std::size_t>(longest_document) + 1) {
  sorted_.reserve(static_cast<std::size_t>(batch_size));
  documents_.reserve(static_cast<std::size_t>(batch_size));
  lanes_.reserve(static_cast<std::size_t>(limits.max_lanes));
}

void LanePlan::deal(std::span<const Document> batch) {
  sort_by_length(batch);
  positions_ = count_positions(batch);
  const auto lanes =
      std::min(batch.size(), static_cast<std::size_t>(lane_count(positions_, limits_)));
  documents_.clear();
  lanes_.clear();
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const std::size_t before = documents_.size();
    // Of each round of deals its lane-th document, counted from the front or from the back.
    for (std::size_t round = 0; round < batch.size(); round += 2 * lanes) {
      const std::size_t forth = round + lane;
      const std::size_t back = round + 2 * lanes - 1 - lane;
      if (forth < batch.size()) documents_.push_back(sorted_[forth]);
      if (back < batch.size()) documents_.push_back(sorted_[back]);
    }
    lanes_.emplace_back(documents_.data() + before, documents_.size() - before);
  }
}

// Longest first; among equals, in their order.
void LanePlan::sort_by_length(std::span<const Document> batch) {
  std::ranges::fill(next_of_length_, 0U);
  for (const Document& document : batch)
    ++next_of_length_[static_cast<std::size_t>(document.length)];
  std::size_t longer = 0;
  for (std::size_t length = next_of_length_.size(); length-- > 0;) {
    const std::size_t count = next_of_length_[length];
    next_of_length_[length] = longer;
    longer += count;
  }
  sorted_.resize(batch.size());
  for (const Document& document : batch) {
    sorted_[next_of_length_[static_cast<std::size_t>(document.length)]++] = document;
  }
}

std::size_t LanePlan::first_document(int lane) const {
  const auto index = static_cast<std::size_t>(lane);
  return index < lanes_.size() ? static_cast<std::size_t>(lanes_[index].data() - documents_.data())
                               : documents_.size();
}

}  // namespace microgpt
