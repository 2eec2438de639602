#include "training/data_parallel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/gradient_sums.hpp"
#include "model/transformer.hpp"
#include "training/lane_work.hpp"
#include "training/slices.hpp"

namespace microgpt {
namespace {

// One piece takes so many, and a core can wait for as many lines at once.
constexpr std::size_t kFewDocuments = 8;

template <class Scalar>
bool is_finite_as(double x) {
  return std::abs(x) <= std::numeric_limits<Scalar>::max();
}

}  // namespace

template <class Scalar>
DataParallelEngine<Scalar>::DataParallelEngine(const ModelShape& shape, ModelState<Scalar>& state,
                                               std::span<const Token> stream,
                                               std::int64_t longest_document,
                                               std::int64_t batch_size, int threads,
                                               ProcessGroup& group)
    : limits_(batch_limits(longest_document, batch_size, state.parameters.size() * sizeof(Scalar))),
      group_(group),
      reduction_limits_(reduction_limits(static_cast<int>(limits_.max_lanes), group.size())),
      state_(state),
      workers_(shape, state.parameters.data(), stream, longest_document,
               std::min(threads, reduction_limits_.lanes_of_a_rank)),
      plan_(static_cast<int>(limits_.max_lanes), group.size()),
      exchange_(group, state.parameters.size(), static_cast<int>(limits_.max_lanes),
                static_cast<std::size_t>(batch_size)),
      gradients_(shape, reduction_limits_, workers()),
      lanes_(limits_, batch_size, longest_document) {
  first_document_.resize(static_cast<std::size_t>(group.size()) + 1);
  for (int node = 0; node < reduction_limits_.nodes_of_a_rank; ++node) {
    node_sums_.emplace_back(reduction_limits_.lanes_of_a_rank);
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
BatchLoss DataParallelEngine<Scalar>::compute_gradient(std::span<const Document> batch, int note) {
  // They come while a single worker, who is this thread, plans the step.
  if (workers() == 1 && batch.size() <= kFewDocuments) ask_for(workers_.stream(), batch);
  plan_step(batch);
  const auto losses = std::span(losses_).first(batch.size());
  const LaneRange own = plan_.lanes_of(group_.rank());
  gradients_.begin_step(own, static_cast<int>(lanes_.lanes().size()));
  const LaneWork work(own, workers(), lanes_.lanes_of_a_piece(static_cast<int>(kMostParts)));
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
  if (!alone()) note = exchange_sums(losses, note);
  return {.loss = std::accumulate(losses.begin(), losses.end(), 0.0) * document_scale_,
          .note = note};
}

// The gradients of one lane, or the sum of those of some.
template <class Scalar>
void DataParallelEngine<Scalar>::compute_lanes(LaneRange lanes, int worker) {
  const Lane documents = lanes_.documents_of(lanes);
  if (first_piece(documents, limits_.piece_positions).size() < documents.size()) {
    for (int lane = lanes.first; lane < lanes.end; ++lane) compute_lane(lane, worker);
    return;
  }
  const auto parts = lanes_.lanes().subspan(static_cast<std::size_t>(lanes.first),
                                            static_cast<std::size_t>(lanes.size()));
  compute_piece({workers_.stream(), documents, parts}, gradients_.begin(lanes), Gradient::replace,
                worker);
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
    compute_piece({workers_.stream(), piece}, gradients, mode, worker);
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

// Afterwards this process has the losses of all, and the gradient in the slices that it updates.
// Returns the largest note.
template <class Scalar>
int DataParallelEngine<Scalar>::exchange_sums(std::span<double> losses, int note) {
  workers_.pool().run(squared_norms_.size(), [&](std::size_t slice, int worker) {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::all_reduce);
    for (std::size_t node = 0; node < whole_sums_.size(); ++node) node_sums_[node].add_slice(slice);
  });
  exchange_.gather_nodes(plan_, whole_sums_, first_document_, losses, note);
  for_own_slices(&WorkerProfile::all_reduce, [&](std::size_t slice) { add_nodes(slice); });
  return exchange_.share_sums(losses, squared_norms_);
}

// Calls work(slice) for the slices that this process reduces and updates, on any worker.
template <class Scalar>
template <class Work>
void DataParallelEngine<Scalar>::for_own_slices(double WorkerProfile::*phase, Work&& work) {
  const std::size_t first = exchange_.first_slice();
  workers_.pool().run(exchange_.end_slice() - first, [&](std::size_t index, int worker) {
    const PhaseTimer timer(profile_, worker, phase);
    work(first + index);
  });
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
bool DataParallelEngine<Scalar>::update(kernels::AdamStep step, double grad_clip) {
  const bool clips = grad_clip > 0;
  if (alone() && !clips) return reduce_and_update(step);
  if (alone()) {
    for_own_slices(&WorkerProfile::all_reduce, [&](std::size_t slice) {
      node_sums_[0].add_slice(slice);
      add_nodes(slice);
    });
  }
  double norm = std::sqrt(squared_norm());
  if (!std::isfinite(norm)) return false;
  if (clips && norm > grad_clip) {
    step.gradient_scale = grad_clip / norm;
    norm = grad_clip;
  }
  if (!is_finite_as<Scalar>(norm * norm)) return false;
  for_own_slices(&WorkerProfile::adam,
                 [&](std::size_t slice) { update_slice(step, slice, node_slice(0, slice)); });
  exchange_.share_parameters(state_.parameters);
  return true;
}

// Where the norm need not be known before the update, a slice's sum goes from one to the other
// within a first-level cache, and workers wait for each other once less.
template <class Scalar>
bool DataParallelEngine<Scalar>::reduce_and_update(const kernels::AdamStep& step) {
  workers_.pool().run(squared_norms_.size(), [&](std::size_t slice, int worker) {
    alignas(line_memory::kCacheLine) std::array<Scalar, kSlice> room;
    std::span<const Scalar> gradient;
    {
      const PhaseTimer timer(profile_, worker, &WorkerProfile::all_reduce);
      gradient = node_sums_[0].add_slice(slice, room);
    }
    const PhaseTimer timer(profile_, worker, &WorkerProfile::adam);
    squared_norms_[slice] = update_slice(step, slice, gradient);
  });
  return is_finite_as<Scalar>(squared_norm());
}

// Returns the slice's Σ g² after scaling, as exact as sums of Scalar are.
template <class Scalar>
double DataParallelEngine<Scalar>::update_slice(const kernels::AdamStep& step, std::size_t slice,
                                                std::span<const Scalar> gradient) {
  // Moments are kept from the first slice of this process on.
  const std::size_t kept = slice - exchange_.first_slice();
  return kernels::adam_update<Scalar>(step, gradient, slice_of(state_.parameters, slice),
                                      slice_of(state_.m, kept), slice_of(state_.v, kept)) /
         (1 - step.beta2);
}

template <class Scalar>
double DataParallelEngine<Scalar>::squared_norm() const {
  return std::accumulate(squared_norms_.begin(), squared_norms_.end(), 0.0);
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
