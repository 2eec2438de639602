#include "training/memory_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/available_memory.hpp"
#include "model/activations.hpp"
#include "training/batch_plan.hpp"
#include "training/gradient_exchange.hpp"
#include "training/lane_gradients.hpp"

namespace microgpt {
namespace {

template <class Scalar>
MemoryPlan plan(const ModelShape& shape, std::int64_t longest_document, std::int64_t batch_size,
                int threads, const ProcessGroup& group) {
  constexpr auto kScalar = static_cast<std::int64_t>(sizeof(Scalar));
  const auto count = static_cast<std::size_t>(ParameterLayout(shape).size());
  const std::int64_t parameters = static_cast<std::int64_t>(count) * kScalar;
  const BatchLimits limits =
      batch_limits(longest_document, batch_size, static_cast<std::size_t>(parameters));
  const auto max_lanes = static_cast<int>(limits.max_lanes);
  const ReductionLimits reduction = reduction_limits(max_lanes, group.size());
  const int workers = std::min(threads, reduction.lanes_of_a_rank);
  const auto moments = moments_kept(
      count, plan_shards(count, sizeof(Scalar), max_lanes, group.size()), group.rank());
  return {.model = parameters + 2 * static_cast<std::int64_t>(moments) * kScalar,
          .gradients = gradient_buffers(reduction, workers, static_cast<std::size_t>(parameters)) *
                       parameters,
          .exchange = static_cast<std::int64_t>(exchange_bytes(count, sizeof(Scalar), max_lanes,
                                                               static_cast<std::size_t>(batch_size),
                                                               group.rank(), group.size())),
          .activations =
              workers * Activations<Scalar>::bytes(shape, limits.piece_positions, longest_document),
          // As they come, by length and by lanes; and their losses.
          .batch = batch_size * static_cast<std::int64_t>(3 * sizeof(Document) + sizeof(double)),
          .checkpoint = group.rank() == 0 ? 6 * parameters : 0};
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

MemoryPlan plan_memory(const ModelShape& shape, std::int64_t longest_document, Precision precision,
                       std::int64_t batch_size, int threads, const ProcessGroup& group) {
  return precision == Precision::float64
             ? plan<double>(shape, longest_document, batch_size, threads, group)
             : plan<float>(shape, longest_document, batch_size, threads, group);
}

void require_room_for(const MemoryPlan& plan, std::int64_t taken, int processes) {
  const auto what = fmt::format(
      "{} (parameters and moments {}, gradients {}, activations {}, a step's documents {}, "
      "writing a checkpoint {})",
      processes == 1 ? "this run" : fmt::format("each of {} processes of this run", processes),
      bytes_in_words(plan.model), bytes_in_words(plan.gradients + plan.exchange),
      bytes_in_words(plan.activations), bytes_in_words(plan.batch),
      bytes_in_words(plan.checkpoint));
  // Of all that is free, each gets an equal part.
  require_memory(plan.total() - taken, what, advice(plan), processes);
}

}  // namespace microgpt
