// How the documents of a step become work: lanes, and the pieces that a worker packs at a time.
//
// A lane is a stretch of the step's documents whose gradient is summed by one worker into one
// buffer. Lanes follow from the documents and the config alone, never from the number of threads,
// and the lanes' gradients are added in one fixed tree: so the bits of the sum do not depend on
// which worker took which lane.
#pragma once

#include <span>
#include <vector>

#include "microgpt/dataset.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

/// The sizes that the config settles once for a run.
struct BatchLimits {
  std::int64_t max_lanes;       ///< buffers for gradients
  std::int64_t lane_positions;  ///< a lane is not worth its buffer with fewer
  std::int64_t
      piece_positions;  ///< a piece, packed into one worker's activations, has at most so many
};

/// The most positions of a piece: whole documents, at least one of any length.
[[nodiscard]] std::int64_t piece_positions_for(const ModelShape& shape);

/// For steps of `batch_size` documents. One gradient takes `gradient_bytes`.
[[nodiscard]] BatchLimits batch_limits(const ModelShape& shape, std::int64_t batch_size,
                                       std::size_t gradient_bytes);

/// Cuts `documents` into 1 .. max_lanes lanes of similar length, in order; `lanes` is refilled.
void plan_lanes(std::span<const Document> documents, const BatchLimits& limits,
                std::vector<std::span<const Document>>& lanes);

/// Cuts `documents` into stretches of at most `max_positions` (one document may be all of it).
void plan_pieces(std::span<const Document> documents, std::int64_t max_positions,
                 std::vector<std::span<const Document>>& pieces);

/// The first of those stretches; `documents` is not empty.
[[nodiscard]] std::span<const Document> first_piece(std::span<const Document> documents,
                                                    std::int64_t max_positions);

[[nodiscard]] std::int64_t count_positions(std::span<const Document> documents);

}  // namespace microgpt
