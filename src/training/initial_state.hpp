// What a trainer begins with: parameters and moments of a checkpoint, or room for new ones.
#pragma once

#include <cstdint>
#include <optional>

#include "microgpt/checkpoint.hpp"
#include "microgpt/config.hpp"
#include "microgpt/process_group.hpp"

namespace microgpt {

/// The checkpoint's state, which is moved from, or zeros; with the moments that this process keeps,
/// of all that a checkpoint holds. `config` has a batch_size. Throws InputError where the
/// checkpoint's model has not the precision of `config` or the size of `layout`.
[[nodiscard]] AnyModelState initial_state(const Config& config, const ParameterLayout& layout,
                                          std::int64_t longest_document,
                                          std::optional<Checkpoint>& checkpoint,
                                          const ProcessGroup& group);

}  // namespace microgpt
