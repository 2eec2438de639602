#include "training/lane_plan.hpp"

#include <algorithm>
#include <bit>

namespace microgpt {
namespace {

// How many of so many lanes could not have a document each.
std::int64_t lacking(std::int64_t lanes, std::int64_t documents) {
  return std::max<std::int64_t>(lanes - documents, 0);
}

}  // namespace

LanePlan::LanePlan(const BatchLimits& limits, std::int64_t batch_size,
                   std::int64_t longest_document)
    : limits_(limits), next_of_length_(static_cast<std::size_t>(longest_document) + 1) {
  documents_.reserve(static_cast<std::size_t>(batch_size));
  right_.resize(static_cast<std::size_t>(batch_size));
  lanes_.reserve(static_cast<std::size_t>(limits.max_lanes));
}

void LanePlan::deal(std::span<const Document> batch) {
  sort_by_length(batch);
  positions_ = count_positions(batch);
  lanes_.clear();
  deal_to_lanes(std::min(std::ssize(batch), lane_count(positions_, limits_)), documents_);
}

// These documents, longest first, become the next lanes: so many.
void LanePlan::deal_to_lanes(std::int64_t lanes, std::span<Document> documents) {
  if (lanes == 1) {
    lanes_.emplace_back(documents);
    return;
  }
  const auto left_lanes =
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(lanes)) / 2);
  const std::int64_t right_lanes = lanes - left_lanes;
  std::int64_t left = 0, right = 0;  // documents dealt
  std::int64_t ahead = 0;  // positions of the left half, each times the lanes of the other
  for (auto undealt = std::ssize(documents); undealt > 0; --undealt) {
    const Document document = documents.end()[-undealt];
    bool to_left = ahead <= 0;
    const std::int64_t left_lacks = lacking(left_lanes, left);
    const std::int64_t right_lacks = lacking(right_lanes, right);
    if (left_lacks + right_lacks == undealt) {
      to_left = right_lacks == 0 || (to_left && left_lacks > 0);
    }
    // Into both, and then counted in one: nobody could foresee which branch to take.
    documents.begin()[left] = document;
    right_.begin()[right] = document;
    left += to_left ? 1 : 0;
    right += to_left ? 0 : 1;
    ahead += to_left ? document.length * right_lanes : -document.length * left_lanes;
  }
  std::copy_n(right_.begin(), right, documents.begin() + left);
  const auto in_left = static_cast<std::size_t>(left);
  deal_to_lanes(left_lanes, documents.first(in_left));
  deal_to_lanes(right_lanes, documents.subspan(in_left));
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
  documents_.resize(batch.size());
  for (const Document& document : batch) {
    documents_[next_of_length_[static_cast<std::size_t>(document.length)]++] = document;
  }
}

std::size_t LanePlan::first_document(int lane) const {
  const auto index = static_cast<std::size_t>(lane);
  return index < lanes_.size() ? static_cast<std::size_t>(lanes_[index].data() - documents_.data())
                               : documents_.size();
}

}  // namespace microgpt
