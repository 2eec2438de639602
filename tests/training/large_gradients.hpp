// Models whose gradients are too large for each lane to have a buffer of its own.
#pragma once

#include "distributed/reduction_plan.hpp"
#include "microgpt/model.hpp"

namespace microgpt::test {

/// So many bytes of gradients in all are not too much.
inline constexpr std::size_t kLittle = std::size_t{64} << 20U;

inline std::size_t parameters_of(const ModelShape& shape) {
  return static_cast<std::size_t>(ParameterLayout(shape).size());
}

/// A model whose gradient takes little more than so many bytes: its context is as long as needed.
inline ModelShape shape_of_gradient(std::size_t bytes) {
  ModelShape shape{.vocab_size = 2, .n_layer = 1, .n_embd = 32, .n_head = 1, .block_size = 1};
  const std::size_t wanted = bytes / sizeof(float) + 1;
  const std::size_t row = static_cast<std::size_t>(shape.n_embd);
  if (parameters_of(shape) < wanted) {
    shape.block_size += static_cast<std::int64_t>((wanted - parameters_of(shape) + row - 1) / row);
  }
  return shape;
}

/// One whose gradients are just too much for one a lane.
inline ModelShape large_shape(const ReductionLimits& limits) {
  return shape_of_gradient(kLittle / static_cast<std::size_t>(limits.lanes_of_a_rank));
}

}  // namespace microgpt::test
