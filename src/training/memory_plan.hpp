// What a run will take in memory, known before any of it is taken.
#pragma once

#include <cstdint>
#include <string>

#include "microgpt/config.hpp"
#include "microgpt/model.hpp"
#include "microgpt/process_group.hpp"

namespace microgpt {

/// In bytes, of one process. P = parameters, s = 4 or 8 bytes a number.
struct MemoryPlan {
  std::int64_t model = 0;        ///< parameters and the moments that it keeps: 3 P s
  std::int64_t gradients = 0;    ///< see gradient_buffers: buffers P s
  std::int64_t exchange = 0;     ///< what it receives from the others: up to 5 P s
  std::int64_t activations = 0;  ///< of one piece of documents, for each worker
  std::int64_t batch = 0;        ///< the documents of a step and their losses: 56 batch_size
  std::int64_t checkpoint = 0;   ///< while it writes one: 6 P s

  [[nodiscard]] std::int64_t total() const {
    return model + gradients + exchange + activations + batch + checkpoint;
  }
};

/// Of this process of `group` in a run with `threads` workers in each, on documents of up to
/// `longest_document` positions.
[[nodiscard]] MemoryPlan plan_memory(const ModelShape& shape, std::int64_t longest_document,
                                     Precision precision, std::int64_t batch_size, int threads,
                                     const ProcessGroup& group = single_process());

/// Throws InputError that says what the run needs and what to change where that is more than this
/// process can get. `taken`: bytes of the plan that it has already. `processes` on this machine are
/// about to take as much.
void require_room_for(const MemoryPlan& plan, std::int64_t taken, int processes = 1);

}  // namespace microgpt
