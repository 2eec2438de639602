#include "training/batch_plan.hpp"

#include <algorithm>
#include <bit>

namespace microgpt {
namespace {

constexpr std::int64_t kUsualLanes = 64;
// Workers on many machines need more of them, and get them where each has so many positions that
// its buffer costs next to nothing.
constexpr std::int64_t kMaxLanes = 1024;
constexpr std::int64_t kLongLanePositions = 512;
// Enough for the workers of a small machine where one gradient alone is larger than the budget.
constexpr std::int64_t kMinLanes = 4;
constexpr std::size_t kLaneBudgetBytes = std::size_t{1} << 30U;

// A lane with fewer is not worth its buffer: two vectors of positions.
constexpr std::int64_t kLanePositions = 32;

// Enough positions to keep a product busy, few enough that their activations stay in the L2 cache.
constexpr std::int64_t kPiecePositions = 128;

// The nearest multiple of four, from four on: two or four workers, or processes, then have equal
// shares.
std::int64_t even_count(std::int64_t wanted) {
  return wanted <= 2 ? wanted : std::max<std::int64_t>(4, (wanted + 2) / 4 * 4);
}

std::int64_t lanes_wanted(std::int64_t positions) {
  return positions / kLanePositions + (positions % kLanePositions == 0 ? 0 : 1);
}

// A limit on lanes is a power of two: then 2^k processes have one subtree of the lanes each, and
// send one gradient.
std::int64_t floor_power_of_two(std::uint64_t number) {
  return static_cast<std::int64_t>(std::bit_floor(number));
}

std::int64_t most_lanes(std::int64_t positions) {
  const auto long_lanes = static_cast<std::uint64_t>(positions / kLongLanePositions);
  return std::clamp(floor_power_of_two(long_lanes), kUsualLanes, kMaxLanes);
}

}  // namespace

std::int64_t piece_positions_for(const ModelShape& shape) {
  return std::max(shape.block_size, kPiecePositions);
}

BatchLimits batch_limits(const ModelShape& shape, std::int64_t batch_size,
                         std::size_t gradient_bytes) {
  const std::int64_t affordable = floor_power_of_two(kLaneBudgetBytes / gradient_bytes);
  // A batch can be so large that its positions do not fit into 64 bits; then it has enough.
  const std::int64_t positions =
      batch_size > INT64_MAX / shape.block_size ? INT64_MAX : batch_size * shape.block_size;
  const std::int64_t useful = even_count(lanes_wanted(positions));
  const std::int64_t most = std::clamp(affordable, kMinLanes, most_lanes(positions));
  return {.max_lanes = std::min({batch_size, useful, most}),
          .lane_positions = kLanePositions,
          .piece_positions = piece_positions_for(shape)};
}

std::int64_t count_positions(std::span<const Document> documents) {
  std::int64_t positions = 0;
  for (const Document& document : documents) positions += document.length;
  return positions;
}

void plan_lanes(std::span<const Document> documents, const BatchLimits& limits,
                std::vector<std::span<const Document>>& lanes) {
  lanes.clear();
  const std::int64_t positions = count_positions(documents);
  const std::int64_t wanted = (positions + limits.lane_positions - 1) / limits.lane_positions;
  const std::int64_t count = std::clamp<std::int64_t>(
      even_count(wanted), 1, std::min(limits.max_lanes, most_lanes(positions)));

  // Lane i ends where a document ends that is nearest to (i + 1) / count of all positions.
  std::size_t first = 0;
  std::int64_t reached = 0;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    const std::int64_t before = reached * count;
    reached += documents[d].length;
    const std::int64_t after = reached * count;
    const std::int64_t end = (std::ssize(lanes) + 1) * positions;
    if (after < end) continue;
    const bool ends_before = d > first && end - before < after - end;
    const std::size_t next = ends_before ? d : d + 1;
    lanes.push_back(documents.subspan(first, next - first));
    first = next;
  }
  if (first < documents.size()) lanes.push_back(documents.subspan(first));
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
