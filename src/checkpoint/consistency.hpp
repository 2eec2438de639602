// What has to hold between the parts of a checkpoint. Asked before one is written, so that none
// comes to be that cannot be read, and again of every one that is read.
#pragma once

#include <optional>
#include <string>

#include "microgpt/checkpoint.hpp"

namespace microgpt {

/// What is wrong, in words that fit behind "damaged: "; nothing where all is well.
template <class Scalar>
[[nodiscard]] std::optional<std::string> find_fault(const CheckpointInfo& info,
                                                    const ModelState<Scalar>& state);

}  // namespace microgpt
