#include "training/data_parallel.hpp"

#include <algorithm>
#include <numeric>

#include "model/transformer.hpp"

namespace microgpt {
namespace {

// Parameters are reduced and updated in slices of this many: 8 or 16 KiB each of gradient,
// parameters and moments, which the first-level cache holds.
constexpr std::size_t kSlice = 2048;

template <class Buffer>
auto slice_of(Buffer& buffer, std::size_t slice) {
  const std::size_t first = slice * kSlice;
  return buffer.values().subspan(first, std::min(kSlice, buffer.size() - first));
}

template <class Scalar>
BatchLimits limits_for(const ModelShape& shape, const ModelState<Scalar>& state,
                       std::int64_t batch_size) {
  return batch_limits(shape, batch_size, state.parameters.size() * sizeof(Scalar));
}

}  // namespace

template <class Scalar>
DataParallelEngine<Scalar>::DataParallelEngine(const ModelShape& shape, ModelState<Scalar>& state,
                                               std::span<const Token> stream,
                                               std::int64_t batch_size, int threads)
    : limits_(limits_for(shape, state, batch_size)),
      state_(state),
      workers_(shape, state.parameters.data(), stream, limits_.piece_positions,
               static_cast<int>(std::min<std::int64_t>(threads, limits_.max_lanes))) {
  for (std::int64_t lane = 0; lane < limits_.max_lanes; ++lane) {
    gradients_.emplace_back(state.parameters.size());
    gradient_views_.emplace_back(shape, gradients_.back().data());
  }
  lanes_.reserve(static_cast<std::size_t>(limits_.max_lanes));
  losses_.resize(static_cast<std::size_t>(batch_size));
  squared_norms_.resize(slices());
}

template <class Scalar>
std::size_t DataParallelEngine<Scalar>::slices() const {
  return (state_.parameters.size() + kSlice - 1) / kSlice;
}

template <class Scalar>
BatchGradient DataParallelEngine<Scalar>::compute_gradient(std::span<const Document> batch) {
  plan_lanes(batch, limits_, lanes_);
  document_scale_ = 1.0 / static_cast<double>(batch.size());
  const auto losses = std::span(losses_).first(batch.size());

  workers_.pool().run(lanes_.size(), [&](std::size_t lane, int worker) {
    const auto first_document = static_cast<std::size_t>(lanes_[lane].data() - batch.data());
    compute_lane(lane, losses.subspan(first_document), worker);
  });
  workers_.pool().run(slices(), [&](std::size_t slice, int worker) {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::all_reduce);
    reduce_slice(slice);
  });

  return {.loss = std::accumulate(losses.begin(), losses.end(), 0.0) * document_scale_,
          .squared_norm = std::accumulate(squared_norms_.begin(), squared_norms_.end(), 0.0)};
}

template <class Scalar>
void DataParallelEngine<Scalar>::compute_lane(std::size_t lane, std::span<double> losses,
                                              int worker) {
  Activations<Scalar>& activations = workers_.activations(worker);
  Gradient mode = Gradient::replace;
  for (Lane rest = lanes_[lane]; !rest.empty();) {
    const PackedDocuments piece{workers_.stream(), first_piece(rest, limits_.piece_positions)};
    {
      const PhaseTimer timer(profile_, worker, &WorkerProfile::forward);
      forward(workers_.model(), piece, activations);
    }
    {
      const PhaseTimer timer(profile_, worker, &WorkerProfile::backward);
      backward(workers_.model(), piece, document_scale_, activations, losses, gradient_views_[lane],
               mode);
    }
    mode = Gradient::add;
    losses = losses.subspan(piece.documents.size());
    rest = rest.subspan(piece.documents.size());
  }
}

// The lanes' gradients are added pairwise, in a tree over the lanes' numbers, into the first
// lane's.
template <class Scalar>
void DataParallelEngine<Scalar>::reduce_slice(std::size_t slice) {
  for (std::size_t distance = 1; distance < lanes_.size(); distance *= 2) {
    for (std::size_t lane = 0; lane + distance < lanes_.size(); lane += 2 * distance) {
      kernels::add<Scalar>(slice_of(gradients_[lane + distance], slice),
                           slice_of(gradients_[lane], slice));
    }
  }
  squared_norms_[slice] = kernels::sum_of_squares<Scalar>(slice_of(gradients_[0], slice));
}

template <class Scalar>
void DataParallelEngine<Scalar>::update(const kernels::AdamStep& step) {
  workers_.pool().run(slices(), [&](std::size_t slice, int worker) {
    const PhaseTimer timer(profile_, worker, &WorkerProfile::adam);
    kernels::adam_update<Scalar>(step, slice_of(gradients_[0], slice),
                                 slice_of(state_.parameters, slice), slice_of(state_.m, slice),
                                 slice_of(state_.v, slice));
  });
}

template <class Scalar>
double DataParallelEngine<Scalar>::evaluate(std::span<const Document> documents) {
  return workers_.evaluate(documents);
}

template class DataParallelEngine<float>;
template class DataParallelEngine<double>;

}  // namespace microgpt
