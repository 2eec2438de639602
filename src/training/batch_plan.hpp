// How much work is done at a time: the sizes of lanes (see lane_plan.hpp), and of the pieces that a
// worker packs.
#pragma once

#include <span>
#include <vector>

#include "microgpt/dataset.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

/// Of one step, whatever its size.
inline constexpr std::int64_t kMaxLanes = 1024;

/// The sizes that the config settles once for a run.
struct BatchLimits {
  std::int64_t max_lanes;
  std::int64_t lane_positions;   ///< that a lane is to have, about
  std::int64_t piece_positions;  ///< that are packed into one worker's activations, at most
};

/// The most positions of a piece: whole documents, at least one of any length.
[[nodiscard]] std::int64_t piece_positions_for(std::int64_t longest_document);

/// For steps of `batch_size` documents, none longer than `longest_document`. One gradient takes
/// `gradient_bytes`. (The lanes of a step follow from its documents: only the limit on them depends
/// on the longest.)
[[nodiscard]] BatchLimits batch_limits(std::int64_t longest_document, std::int64_t batch_size,
                                       std::size_t gradient_bytes);

/// Lanes of a step of so many positions: 1 .. max_lanes.
[[nodiscard]] std::int64_t lane_count(std::int64_t positions, const BatchLimits& limits);

/// Cuts `documents` into stretches of at most `max_positions` (one document may be all of it).
void plan_pieces(std::span<const Document> documents, std::int64_t max_positions,
                 std::vector<std::span<const Document>>& pieces);

/// The first of those stretches; `documents` is not empty.
[[nodiscard]] std::span<const Document> first_piece(std::span<const Document> documents,
                                                    std::int64_t max_positions);

}  // namespace microgpt
