#include "training/batch_plan.hpp"

#include <algorithm>
#include <bit>

namespace microgpt {
namespace {

constexpr std::int64_t kUsualLanes = 64;
// Workers on many machines need more of them, up to kMaxLanes, and get them where each has so many
// positions that to add its gradient costs next to nothing.
constexpr std::int64_t kLongLanePositions = 512;

// A lane with fewer positions is not worth its gradient; more are needed where the gradient is so
// large that it goes to memory and back, but for the first lanes: few workers take several at once.
constexpr std::int64_t kLanePositions = 32;
constexpr std::int64_t kLanePositionsOfLargeModels = 256;
constexpr std::size_t kLargeGradientBytes = std::size_t{1} << 23U;
constexpr std::int64_t kFirstLanes = 4;

// Enough positions to keep a product busy, few enough that their activations stay in the L2 cache.
constexpr std::int64_t kPiecePositions = 128;

// The nearest power of two to positions / lane_positions: then 2^k workers have equal shares, and
// 2^k processes one subtree of the lanes each, which is one gradient to send.
std::int64_t even_count(std::int64_t positions, std::int64_t lane_positions) {
  const auto wanted = static_cast<std::uint64_t>(positions / lane_positions +
                                                 (positions % lane_positions == 0 ? 0 : 1));
  return static_cast<std::int64_t>(std::bit_ceil((3 * wanted + 3) / 4));
}

// The lanes of so many positions, where each but the first is to have `lane_positions`.
std::int64_t lanes_for(std::int64_t positions, std::int64_t lane_positions) {
  return std::max(even_count(positions, lane_positions),
                  std::min(even_count(positions, kLanePositions), kFirstLanes));
}

std::int64_t most_lanes(std::int64_t positions) {
  const auto long_lanes = static_cast<std::uint64_t>(positions / kLongLanePositions);
  return std::clamp(static_cast<std::int64_t>(std::bit_floor(long_lanes)), kUsualLanes, kMaxLanes);
}

}  // namespace

std::int64_t piece_positions_for(std::int64_t longest_document) {
  return std::max(longest_document, kPiecePositions);
}

BatchLimits batch_limits(std::int64_t longest_document, std::int64_t batch_size,
                         std::size_t gradient_bytes) {
  // A batch can be so large that its positions do not fit into 64 bits; then it has enough.
  const std::int64_t positions =
      batch_size > INT64_MAX / longest_document ? INT64_MAX : batch_size * longest_document;
  const std::int64_t lane_positions =
      gradient_bytes > kLargeGradientBytes ? kLanePositionsOfLargeModels : kLanePositions;
  return {.max_lanes =
              std::min({batch_size, lanes_for(positions, lane_positions), most_lanes(positions)}),
          .lane_positions = lane_positions,
          .piece_positions = piece_positions_for(longest_document)};
}

std::int64_t lane_count(std::int64_t positions, const BatchLimits& limits) {
  return std::min(
      {limits.max_lanes, lanes_for(positions, limits.lane_positions), most_lanes(positions)});
}

std::span<const Document> first_piece(std::span<const Document> documents,
                                      std::int64_t max_positions) {
  std::size_t count = 1;
  std::int64_t positions = documents[0].length;
  while (count < documents.size() && positions + documents[count].length <= max_positions) {
    positions += documents[count++].length;
  }
  return documents.first(count);
}

void plan_pieces(std::span<const Document> documents, std::int64_t max_positions,
                 std::vector<std::span<const Document>>& pieces) {
  pieces.clear();
  while (!documents.empty()) {
    pieces.push_back(first_piece(documents, max_positions));
    documents = documents.subspan(pieces.back().size());
  }
}

}  // namespace microgpt
