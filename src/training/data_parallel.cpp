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
      own_lanes_(
          reduction_limits(static_cast<int>(limits_.max_lanes), group.size()).lanes_of_a_rank),
      state_(state),
      workers_(shape, state.parameters.data(), stream, limits_.piece_positions,
               std::min(threads, own_lanes_)),
      plan_(static_cast<int>(limits_.max_lanes), group.size()),
      exchange_(group, state.parameters.size(), static_cast<int>(limits_.max_lanes),
                static_cast<std::size_t>(batch_size)) {
  for (int lane = 0; lane < own_lanes_; ++lane) {
    gradients_.emplace_back(state.parameters.size());
    gradient_views_.emplace_back(shape, gradients_.back().data());
  }
  lanes_.reserve(static_cast<std::size_t>(limits_.max_lanes));
  first_document_.resize(static_cast<std::size_t>(group.size()) + 1);
  pair_is_summed_.resize(static_cast<std::size_t>(own_lanes_));
  sums_.reserve(static_cast<std::size_t>(own_lanes_));
  losses_.resize(static_cast<std::size_t>(batch_size));
  squared_norms_.resize(count_slices(state.parameters.size()));
}

template <class Scalar>
void DataParallelEngine<Scalar>::plan_step(std::span<const Document> batch) {
  plan_lanes(batch, limits_, lanes_);
  plan_.set_lanes(static_cast<int>(lanes_.size()));
  document_scale_ = 1.0 / static_cast<double>(batch.size());
  for (int rank = 0; rank < group_.size(); ++rank) {
    const auto lane = static_cast<std::size_t>(plan_.lanes_of(rank).first);
    first_document_[static_cast<std::size_t>(rank)] =
        lane < lanes_.size() ? static_cast<std::size_t>(lanes_[lane].data() - batch.data())
                             : batch.size();
  }
  first_document_.back() = batch.size();
}

template <class Scalar>
BatchGradient DataParallelEngine<Scalar>::compute_gradient(std::span<const Document> batch,
                                                           int note) {
  plan_step(batch);
  const auto losses = std::span(losses_).first(batch.size());
  const LaneRange own = plan_.lanes_of(group_.rank());
  const LaneWork work(own, workers());
  workers_.pool().run(static_cast<std::size_t>(work.items()), [&](std::size_t item, int worker) {
    const LaneRange lanes = work.item(static_cast<int>(item));
    const Document* first = lanes_[static_cast<std::size_t>(lanes.first)].data();
    compute_lanes(lanes, losses.subspan(static_cast<std::size_t>(first - batch.data())), worker);
  });
  workers_.pool().run(slices(), [&](std::size_t slice, int worker) {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::all_reduce);
    add_within_nodes(slice);
    if (alone()) add_nodes(slice);
  });
  if (!alone()) {
    sums_.clear();
    for (const ReductionNode& node : plan_.nodes_of(group_.rank())) {
      sums_.push_back(gradients_[static_cast<std::size_t>(node.lanes.first - own.first)].data());
    }
    exchange_.gather_nodes(plan_, sums_, first_document_, losses, note);
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

// The gradients of one lane, or of two whose gradients are added first. `losses`: of the documents
// from there on.
template <class Scalar>
void DataParallelEngine<Scalar>::compute_lanes(LaneRange lanes, std::span<double> losses,
                                               int worker) {
  const auto first_own = static_cast<std::size_t>(plan_.lanes_of(group_.rank()).first);
  const auto begin = static_cast<std::size_t>(lanes.first);
  const auto end = static_cast<std::size_t>(lanes.end);
  const std::size_t documents =
      lanes_[end - 1].data() + lanes_[end - 1].size() - lanes_[begin].data();
  const Lane all(lanes_[begin].data(), documents);
  const bool one_piece = first_piece(all, limits_.piece_positions).size() == all.size();
  pair_is_summed_[begin - first_own] = one_piece && lanes.size() == 2 ? 1 : 0;
  if (one_piece) {
    compute_piece({workers_.stream(), all, lanes_[begin].size()}, begin - first_own,
                  Gradient::replace, losses, worker);
    return;
  }
  for (std::size_t lane = begin; lane < end; ++lane) {
    Gradient mode = Gradient::replace;
    for (Lane rest = lanes_[lane]; !rest.empty();) {
      const Lane piece = first_piece(rest, limits_.piece_positions);
      compute_piece({workers_.stream(), piece, piece.size()}, lane - first_own, mode, losses,
                    worker);
      mode = Gradient::add;
      losses = losses.subspan(piece.size());
      rest = rest.subspan(piece.size());
    }
  }
}

template <class Scalar>
void DataParallelEngine<Scalar>::compute_piece(const PackedDocuments& piece, std::size_t own_lane,
                                               Gradient mode, std::span<double> losses,
                                               int worker) {
  Activations<Scalar>& activations = workers_.activations(worker);
  {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::forward);
    forward(workers_.model(), piece, activations);
  }
  {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::backward);
    backward(workers_.model(), piece, document_scale_, activations, losses,
             gradient_views_[own_lane], mode);
  }
}

// The lanes' gradients are added pairwise, in a tree over the lanes' numbers; here, as far as this
// process owns them.
template <class Scalar>
void DataParallelEngine<Scalar>::add_within_nodes(std::size_t slice) {
  const int first_lane = plan_.lanes_of(group_.rank()).first;
  for (const ReductionNode& node : plan_.nodes_of(group_.rank())) {
    const auto first = static_cast<std::size_t>(node.lanes.first - first_lane);
    const auto end = static_cast<std::size_t>(node.lanes.end - first_lane);
    for (std::size_t distance = 1; distance < end - first; distance *= 2) {
      for (std::size_t lane = first; lane + distance < end; lane += 2 * distance) {
        if (distance == 1 && pair_is_summed_[lane] != 0) continue;
        kernels::add<Scalar>(slice_of(gradients_[lane + distance], slice),
                             slice_of(gradients_[lane], slice));
      }
    }
  }
}

// The rest of the tree; the sum comes to be in node 0.
template <class Scalar>
void DataParallelEngine<Scalar>::add_nodes(std::size_t slice) {
  for (const NodeAddition& addition : plan_.additions()) {
    kernels::add<Scalar>(node_slice(addition.from, slice), node_slice(addition.to, slice));
  }
  squared_norms_[slice] = kernels::sum_of_squares<Scalar>(node_slice(0, slice));
}

template <class Scalar>
std::span<Scalar> DataParallelEngine<Scalar>::node_slice(std::size_t node, std::size_t slice) {
  return alone() ? slice_of(gradients_[0], slice) : exchange_.node_slice(node, slice);
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
