#include "training/data_parallel.hpp"

#include <algorithm>
#include <numeric>

#include "model/transformer.hpp"
#include "training/lane_work.hpp"
#include "training/slices.hpp"

namespace microgpt {
namespace {

template <class Scalar>
BatchLimits limits_for(const ModelShape& shape, const ModelState<Scalar>& state,
                       std::int64_t batch_size) {
  return batch_limits(shape, batch_size, state.parameters.size() * sizeof(Scalar));
}

}  // namespace

template <class Scalar>
DataParallelEngine<Scalar>::DataParallelEngine(const ModelShape& shape, ModelState<Scalar>& state,
                                               std::span<const Token> stream,
                                               std::int64_t batch_size, int threads,
                                               ProcessGroup& group)
    : limits_(limits_for(shape, state, batch_size)),
      group_(group),
      own_limits_(reduction_limits(static_cast<int>(limits_.max_lanes), group.size())),
      state_(state),
      workers_(shape, state.parameters.data(), stream, limits_.piece_positions,
               std::min(threads, own_limits_.lanes_of_a_rank)),
      plan_(static_cast<int>(limits_.max_lanes), group.size()),
      exchange_(group, state.parameters.size(), static_cast<int>(limits_.max_lanes),
                static_cast<std::size_t>(batch_size)),
      gradients_(shape, own_limits_, workers()),
      lanes_(limits_, batch_size, shape.block_size) {
  first_document_.resize(static_cast<std::size_t>(group.size()) + 1);
  for (int node = 0; node < own_limits_.nodes_of_a_rank; ++node) {
    node_sums_.emplace_back(own_limits_.lanes_of_a_rank);
  }
  whole_sums_.reserve(node_sums_.size());
  losses_.resize(static_cast<std::size_t>(batch_size));
  squared_norms_.resize(count_slices(state.parameters.size()));
}

template <class Scalar>
void DataParallelEngine<Scalar>::plan_step(std::span<const Document> batch) {
  lanes_.deal(batch);
  plan_.set_lanes(static_cast<int>(lanes_.lanes().size()));
  document_scale_ = 1.0 / static_cast<double>(batch.size());
  for (int rank = 0; rank < group_.size(); ++rank) {
    first_document_[static_cast<std::size_t>(rank)] =
        lanes_.first_document(plan_.lanes_of(rank).first);
  }
  first_document_.back() = batch.size();
}

template <class Scalar>
BatchGradient DataParallelEngine<Scalar>::compute_gradient(std::span<const Document> batch,
                                                           int note) {
  plan_step(batch);
  const auto losses = std::span(losses_).first(batch.size());
  const LaneRange own = plan_.lanes_of(group_.rank());
  gradients_.begin_step(own, static_cast<int>(lanes_.lanes().size()));
  const LaneWork work(own, workers(), lanes_.pairs_fit());
  const auto compute = [&](std::size_t item, int worker) {
    compute_lanes(work.item(static_cast<int>(item)), worker);
  };
  const auto items = static_cast<std::size_t>(work.items());
  if (gradients_.in_order()) {
    workers_.pool().run_in_order(items, compute);
  } else {
    workers_.pool().run(items, compute);
  }
  plan_sums();
  workers_.pool().run(slices(), [&](std::size_t slice, int worker) {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::all_reduce);
    for (std::size_t node = 0; node < whole_sums_.size(); ++node) node_sums_[node].add_slice(slice);
    if (alone()) add_nodes(slice);
  });
  if (!alone()) {
    exchange_.gather_nodes(plan_, whole_sums_, first_document_, losses, note);
    const std::size_t first_slice = exchange_.first_slice();
    workers_.pool().run(exchange_.end_slice() - first_slice, [&](std::size_t index, int worker) {
      const PhaseTimer timer(profile_, worker, &WorkerProfile::all_reduce);
      add_nodes(first_slice + index);
    });
    note = exchange_.share_sums(losses, squared_norms_);
  }
  return {.loss = std::accumulate(losses.begin(), losses.end(), 0.0) * document_scale_,
          .squared_norm = std::accumulate(squared_norms_.begin(), squared_norms_.end(), 0.0),
          .note = note};
}

// The gradients of one lane, or of two whose gradients are added first.
template <class Scalar>
void DataParallelEngine<Scalar>::compute_lanes(LaneRange lanes, int worker) {
  const std::size_t begin = lanes_.first_document(lanes.first);
  const Lane documents =
      lanes_.documents().subspan(begin, lanes_.first_document(lanes.end) - begin);
  if (first_piece(documents, limits_.piece_positions).size() < documents.size()) {
    for (int lane = lanes.first; lane < lanes.end; ++lane) compute_lane(lane, worker);
    return;
  }
  const std::size_t in_first_lane = lanes_.first_document(lanes.first + 1) - begin;
  compute_piece({workers_.stream(), documents, in_first_lane}, gradients_.begin(lanes),
                Gradient::replace, worker);
  gradients_.finish(lanes);
}

// The gradient of a lane, piece by piece.
template <class Scalar>
void DataParallelEngine<Scalar>::compute_lane(int lane, int worker) {
  const LaneRange lanes{.first = lane, .end = lane + 1};
  const Weights<Scalar>& gradients = gradients_.begin(lanes);
  Gradient mode = Gradient::replace;
  for (Lane rest = lanes_.lanes()[static_cast<std::size_t>(lane)]; !rest.empty();) {
    const Lane piece = first_piece(rest, limits_.piece_positions);
    compute_piece({workers_.stream(), piece, piece.size()}, gradients, mode, worker);
    mode = Gradient::add;
    rest = rest.subspan(piece.size());
  }
  gradients_.finish(lanes);
}

template <class Scalar>
void DataParallelEngine<Scalar>::compute_piece(const PackedDocuments& piece,
                                               const Weights<Scalar>& gradients, Gradient mode,
                                               int worker) {
  Activations<Scalar>& activations = workers_.activations(worker);
  {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::forward);
    forward(workers_.model(), piece, activations);
  }
  {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::backward);
    const Document* all = lanes_.documents().data();
    const auto losses = std::span(losses_).subspan(
        static_cast<std::size_t>(piece.documents.data() - all), piece.documents.size());
    backward(workers_.model(), piece, document_scale_, activations, losses, gradients, mode);
  }
}

// The tree over the lanes, as far as this process owns them. Where their sum goes to Adam, and not
// to other processes, a slice of it lies where the worker that is likely to have it has written
// last: no core then asks another for memory only to write to it.
template <class Scalar>
void DataParallelEngine<Scalar>::plan_sums() {
  whole_sums_.clear();
  std::size_t index = 0;
  for (const ReductionNode& node : plan_.nodes_of(group_.rank())) {
    TreeSum<Scalar>& sum = node_sums_[index++];
    sum.plan(gradients_.subtrees(node), static_cast<int>(lanes_.lanes().size()),
             alone() ? workers() : 1);
    whole_sums_.push_back(sum.slice(0).data());
  }
}

// The rest of the tree; the sum comes to be in node 0.
template <class Scalar>
void DataParallelEngine<Scalar>::add_nodes(std::size_t slice) {
  for (const NodeAddition& addition : plan_.additions()) {
    const std::span<Scalar> to = node_slice(addition.to, slice);
    kernels::add(to.data(), node_slice(addition.from, slice).data(), to.size(), to.data());
  }
  squared_norms_[slice] = kernels::sum_of_squares<Scalar>(node_slice(0, slice));
}

template <class Scalar>
std::span<Scalar> DataParallelEngine<Scalar>::node_slice(std::size_t node, std::size_t slice) {
  return alone() ? node_sums_[0].slice(slice) : exchange_.node_slice(node, slice);
}

template <class Scalar>
void DataParallelEngine<Scalar>::update(const kernels::AdamStep& step) {
  const std::size_t first = exchange_.first_slice();
  workers_.pool().run(exchange_.end_slice() - first, [&](std::size_t index, int worker) {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::adam);
    // Moments are kept from the first slice of this process on.
    kernels::adam_update<Scalar>(step, node_slice(0, first + index),
                                 slice_of(state_.parameters, first + index),
                                 slice_of(state_.m, index), slice_of(state_.v, index));
  });
  exchange_.share_parameters(state_.parameters);
}

template <class Scalar>
double DataParallelEngine<Scalar>::evaluate(std::span<const Document> documents) {
  return workers_.evaluate(documents, group_);
}

template <class Scalar>
void DataParallelEngine<Scalar>::collect_state() {
  exchange_.collect_at_root(state_.m);
  exchange_.collect_at_root(state_.v);
}

template class DataParallelEngine<float>;
template class DataParallelEngine<double>;

}  // namespace microgpt
