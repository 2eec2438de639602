#include "training/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/available_memory.hpp"
#include "model/activations.hpp"
#include "training/batch_plan.hpp"

namespace microgpt {
namespace {

template <class Scalar>
MemoryPlan plan(const ModelShape& shape, std::int64_t batch_size, int threads) {
  constexpr auto kScalar = static_cast<std::int64_t>(sizeof(Scalar));
  const std::int64_t parameters = ParameterLayout(shape).size() * kScalar;
  const BatchLimits limits = batch_limits(shape, batch_size, static_cast<std::size_t>(parameters));
  const std::int64_t workers = std::min<std::int64_t>(threads, limits.max_lanes);
  return {.model = 4 * parameters,
          .gradients = limits.max_lanes * parameters,
          .activations = workers * Activations<Scalar>::bytes(shape, limits.piece_positions),
          .batch = batch_size * static_cast<std::int64_t>(sizeof(Document) + sizeof(double)),
          .checkpoint = 6 * parameters};
}

/// What to lower: the keys that the largest part follows from.
std::string advice(const MemoryPlan& plan) {
  const std::int64_t largest =
      std::max({plan.model + plan.checkpoint, plan.gradients, plan.activations, plan.batch});
  if (largest == plan.batch) return "lower batch_size";
  if (largest == plan.activations) return "lower --threads, block_size, n_embd or n_layer";
  if (largest == plan.gradients) return "lower batch_size, n_embd or n_layer";
  return "lower n_embd, n_layer or block_size";
}

}  // namespace

MemoryPlan plan_memory(const ModelShape& shape, Precision precision, std::int64_t batch_size,
                       int threads) {
  return precision == Precision::float64 ? plan<double>(shape, batch_size, threads)
                                         : plan<float>(shape, batch_size, threads);
}

void require_room_for(const MemoryPlan& plan, std::int64_t taken) {
  const auto what = fmt::format(
      "this run (parameters and moments {}, gradients {}, activations {}, a step's documents {}, "
      "writing a checkpoint {})",
      bytes_in_words(plan.model), bytes_in_words(plan.gradients), bytes_in_words(plan.activations),
      bytes_in_words(plan.batch), bytes_in_words(plan.checkpoint));
  require_memory(plan.total() - taken, what, advice(plan));
}

}  // namespace microgpt
