// The learning rate of a step.
#pragma once

#include "microgpt/config.hpp"

namespace microgpt {

/// For step s, counted from 0, of num_steps:
///   cosine    lr · 0.5 · (1 + cos(π s / num_steps))
///   linear    lr · (1 - s / num_steps)
///   constant  lr
/// times (s + 1) / warmup_steps during the first warmup_steps.
[[nodiscard]] double learning_rate_at(const Config& config, std::int64_t step,
                                      std::int64_t num_steps);

}  // namespace microgpt
