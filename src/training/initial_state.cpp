#include "training/initial_state.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "microgpt/error.hpp"
#include "training/batch_plan.hpp"
#include "training/gradient_exchange.hpp"
#include "training/slices.hpp"

namespace microgpt {
namespace {

// The moments that a process keeps, of all that a checkpoint holds.
template <class Scalar>
AlignedBuffer<Scalar> own_part(AlignedBuffer<Scalar> moments, std::size_t first, std::size_t kept) {
  if (kept == moments.size()) return moments;
  AlignedBuffer<Scalar> part(kept);
  std::ranges::copy(moments.values().subspan(first, kept), part.values().begin());
  return part;
}

// The checkpoint's, or a new one; in both cases with the moments that this process keeps.
template <class Scalar>
ModelState<Scalar> make_state(const ParameterLayout& layout, std::int64_t longest_document,
                              std::int64_t batch_size, std::optional<Checkpoint>& checkpoint,
                              const ProcessGroup& group) {
  const auto parameters = static_cast<std::size_t>(layout.size());
  const BatchLimits limits =
      batch_limits(longest_document, batch_size, parameters * sizeof(Scalar));
  const Sharding sharding =
      plan_shards(parameters, sizeof(Scalar), static_cast<int>(limits.max_lanes), group.size());
  const std::size_t kept = moments_kept(parameters, sharding, group.rank());
  if (!checkpoint) return ModelState<Scalar>(layout, kept);
  auto* const former = std::get_if<ModelState<Scalar>>(&checkpoint->state);
  if (former == nullptr || former->parameters.size() != parameters) {
    throw InputError(
        "the checkpoint's model has not the shape or precision that config and dataset give it");
  }
  ModelState<Scalar> state = std::move(*former);
  const std::size_t first =
      sharding.sharded ? sharding.bounds[static_cast<std::size_t>(group.rank())] * kSlice : 0;
  state.m = own_part(std::move(state.m), first, kept);
  state.v = own_part(std::move(state.v), first, kept);
  return state;
}

}  // namespace

AnyModelState initial_state(const Config& config, const ParameterLayout& layout,
                            std::int64_t longest_document, std::optional<Checkpoint>& checkpoint,
                            const ProcessGroup& group) {
  const std::int64_t batch_size = config.batch_size.value();
  if (config.precision == Precision::float64) {
    return make_state<double>(layout, longest_document, batch_size, checkpoint, group);
  }
  return make_state<float>(layout, longest_document, batch_size, checkpoint, group);
}

}  // namespace microgpt
