// What a run will take in memory, known before any of it is taken.
#pragma once

#include <cstdint>
#include <string>

#include "microgpt/config.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

/// In bytes. P = parameters, s = 4 or 8 bytes a number.
struct MemoryPlan {
  std::int64_t model = 0;        ///< parameters, two moments, transposed weights: 4 P s
  std::int64_t gradients = 0;    ///< one for each lane of a step: lanes P s
  std::int64_t activations = 0;  ///< of one piece of documents, for each worker
  std::int64_t batch = 0;        ///< the documents of a step and their losses: 24 batch_size
  std::int64_t checkpoint = 0;   ///< while one is written: 6 P s

  [[nodiscard]] std::int64_t total() const {
    return model + gradients + activations + batch + checkpoint;
  }
};

/// Of a run with `threads` workers.
[[nodiscard]] MemoryPlan plan_memory(const ModelShape& shape, Precision precision,
                                     std::int64_t batch_size, int threads);

/// Throws InputError that says what the run needs and what to change where that is more than this
/// process can get. `taken`: bytes of the plan that it has already.
void require_room_for(const MemoryPlan& plan, std::int64_t taken);

}  // namespace microgpt
