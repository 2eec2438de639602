#include "training/gradient_exchange.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "training/slices.hpp"

namespace microgpt {
namespace {

// Up to so many bytes in all, gathering every node everywhere is faster than three rounds of
// shorter messages.
constexpr std::size_t kGatheredBytes = std::size_t{1} << 18U;

constexpr auto kWord = static_cast<std::size_t>(Unit::word);
constexpr auto kLine = static_cast<std::size_t>(Unit::line);

std::size_t lines_for(std::size_t bytes) { return AlignedBuffer<std::byte>::lines(bytes); }

// Lines from the start of a block to the start of a slice, or to the end of the block.
std::size_t lines_before(std::size_t slice, std::size_t parameters, std::size_t scalar_bytes) {
  return lines_for(std::min(slice * kSlice, parameters) * scalar_bytes);
}

struct BufferSizes {
  std::size_t message = 0;  // bytes
  std::size_t shards = 0;   // scalars
};

BufferSizes buffer_sizes(std::size_t parameters, std::size_t scalar_bytes, int max_lanes,
                         std::size_t max_documents, const Sharding& sharding, int rank, int ranks) {
  if (ranks == 1) return {};
  const ReductionLimits limits = reduction_limits(max_lanes, ranks);
  const auto processes = static_cast<std::size_t>(ranks);
  const auto nodes = static_cast<std::size_t>(limits.nodes);
  std::size_t message = (processes + max_documents) * kWord;
  if (!sharding.sharded) {
    message += processes * kLine + nodes * lines_for(parameters * scalar_bytes) * kLine;
    return {.message = message, .shards = 0};
  }
  message += count_slices(parameters) * kWord;
  const auto r = static_cast<std::size_t>(rank);
  const std::size_t lines = lines_before(sharding.bounds[r + 1], parameters, scalar_bytes) -
                            lines_before(sharding.bounds[r], parameters, scalar_bytes);
  const auto rounds = static_cast<std::size_t>(limits.nodes_of_a_rank);
  return {.message = message, .shards = rounds * processes * lines * kLine / scalar_bytes};
}

}  // namespace

Sharding plan_shards(std::size_t parameters, std::size_t scalar_bytes, int max_lanes, int ranks) {
  const std::size_t slices = count_slices(parameters);
  if (ranks > 1) {
    const auto nodes = static_cast<std::size_t>(std::min(max_lanes, ranks));
    if (nodes * parameters * scalar_bytes > kGatheredBytes) {
      return {.sharded = true, .bounds = shard_bounds(slices, ranks)};
    }
  }
  return {.sharded = false, .bounds = {}};
}

std::size_t moments_kept(std::size_t parameters, const Sharding& sharding, int rank) {
  if (!sharding.sharded || rank == 0) return parameters;
  const auto r = static_cast<std::size_t>(rank);
  return std::min(sharding.bounds[r + 1] * kSlice, parameters) -
         std::min(sharding.bounds[r] * kSlice, parameters);
}

std::size_t exchange_bytes(std::size_t parameters, std::size_t scalar_bytes, int max_lanes,
                           std::size_t max_documents, int rank, int ranks) {
  const BufferSizes sizes =
      buffer_sizes(parameters, scalar_bytes, max_lanes, max_documents,
                   plan_shards(parameters, scalar_bytes, max_lanes, ranks), rank, ranks);
  return sizes.message + sizes.shards * scalar_bytes;
}

template <class Scalar>
GradientExchange<Scalar>::GradientExchange(ProcessGroup& group, std::size_t parameters,
                                           int max_lanes, std::size_t max_documents)
    : group_(group),
      parameters_(parameters),
      sharding_(plan_shards(parameters, sizeof(Scalar), max_lanes, group.size())),
      end_slice_(count_slices(parameters)),
      unit_(sharding_.sharded ? Unit::word : Unit::line) {
  const auto processes = static_cast<std::size_t>(group.size());
  const BufferSizes sizes = buffer_sizes(parameters, sizeof(Scalar), max_lanes, max_documents,
                                         sharding_, group.rank(), group.size());
  message_ = AlignedBuffer<std::byte>(sizes.message);
  shards_ = AlignedBuffer<Scalar>(sizes.shards);
  sections_.resize(processes + 1);
  senders_.resize(processes);
  if (!sharding_.sharded) return;
  const auto rank = static_cast<std::size_t>(group.rank());
  first_slice_ = sharding_.bounds[rank];
  end_slice_ = sharding_.bounds[rank + 1];
  for (const std::size_t bound : sharding_.bounds) {
    shard_lines_.push_back(
        static_cast<std::int64_t>(lines_before(bound, parameters, sizeof(Scalar))));
  }
}

template <class Scalar>
std::size_t GradientExchange<Scalar>::head_words(std::size_t rank) const {
  const std::size_t norms =
      sharding_.sharded ? sharding_.bounds[rank + 1] - sharding_.bounds[rank] : 0;
  return 1 + first_document_[rank + 1] - first_document_[rank] + norms;
}

template <class Scalar>
std::byte* GradientExchange<Scalar>::section(std::size_t rank) {
  return message_.data() +
         static_cast<std::size_t>(sections_[rank]) * static_cast<std::size_t>(unit_);
}

template <class Scalar>
void GradientExchange<Scalar>::lay_out_message() {
  std::size_t reached = 0;
  for (std::size_t rank = 0; rank < senders_.size(); ++rank) {
    sections_[rank] = static_cast<std::int64_t>(reached);
    if (sharding_.sharded) {
      reached += head_words(rank);
    } else {
      reached +=
          lines_for(head_words(rank) * kWord) +
          plan_->nodes_of(static_cast<int>(rank)).size() * lines_for(parameters_ * sizeof(Scalar));
    }
  }
  sections_.back() = static_cast<std::int64_t>(reached);
}

template <class Scalar>
void GradientExchange<Scalar>::gather_nodes(const ReductionPlan& plan,
                                            std::span<Scalar* const> sums,
                                            std::span<const std::size_t> first_document,
                                            std::span<double> losses, int note) {
  plan_ = &plan;
  first_document_ = first_document;
  note_ = note;
  lay_out_message();
  if (sharding_.sharded) {
    exchange_shards(sums);
  } else {
    set_head(losses, {});
    gather_whole_nodes(sums);
  }
}

template <class Scalar>
void GradientExchange<Scalar>::set_head(std::span<const double> losses,
                                        std::span<const double> squared_norms) {
  const auto rank = static_cast<std::size_t>(group_.rank());
  auto* head = reinterpret_cast<double*>(section(rank));
  *head++ = note_;
  head = std::ranges::copy(losses.subspan(first_document_[rank],
                                          first_document_[rank + 1] - first_document_[rank]),
                           head)
             .out;
  std::ranges::copy(squared_norms, head);
}

template <class Scalar>
int GradientExchange<Scalar>::read_heads(std::span<double> losses,
                                         std::span<double> squared_norms) {
  double note = 0;
  for (std::size_t rank = 0; rank < senders_.size(); ++rank) {
    const auto* head = reinterpret_cast<const double*>(section(rank));
    note = std::max(note, *head++);
    const std::size_t documents = first_document_[rank + 1] - first_document_[rank];
    std::copy_n(head, documents, losses.begin() + std::ptrdiff_t(first_document_[rank]));
    if (!sharding_.sharded) continue;
    const std::size_t first = sharding_.bounds[rank];
    std::copy_n(head + documents, sharding_.bounds[rank + 1] - first,
                squared_norms.begin() + std::ptrdiff_t(first));
  }
  return static_cast<int>(note);
}

template <class Scalar>
void GradientExchange<Scalar>::gather_whole_nodes(std::span<Scalar* const> sums) {
  const auto rank = static_cast<std::size_t>(group_.rank());
  const std::size_t node_bytes = lines_for(parameters_ * sizeof(Scalar)) * kLine;
  std::byte* to = section(rank) + lines_for(head_words(rank) * kWord) * kLine;
  for (const Scalar* sum : sums) {
    std::memcpy(to, sum, parameters_ * sizeof(Scalar));
    to += node_bytes;
  }
  group_.all_gather(message_.data(), unit_, sections_);
}

template <class Scalar>
void GradientExchange<Scalar>::exchange_shards(std::span<Scalar* const> sums) {
  const auto rank = static_cast<std::size_t>(group_.rank());
  const auto lines = static_cast<std::size_t>(shard_lines_[rank + 1] - shard_lines_[rank]);
  for (std::size_t round = 0; round < static_cast<std::size_t>(plan_->most_nodes()); ++round) {
    for (std::size_t r = 0; r < senders_.size(); ++r) {
      senders_[r] = plan_->nodes_of(static_cast<int>(r)).size() > round ? 1 : 0;
    }
    const Scalar* sum = round < sums.size() ? sums[round] : nullptr;
    group_.exchange(
        reinterpret_cast<const std::byte*>(sum), Unit::line, shard_lines_, senders_,
        reinterpret_cast<std::byte*>(shards_.data()) + round * senders_.size() * lines * kLine);
  }
}

template <class Scalar>
std::span<Scalar> GradientExchange<Scalar>::node_slice(std::size_t node, std::size_t slice) {
  const ReductionNode& which = plan_->nodes()[node];
  const auto owner = static_cast<std::size_t>(which.rank);
  const auto index = static_cast<std::size_t>(which.index);
  if (!sharding_.sharded) {
    const std::size_t lines =
        lines_for(head_words(owner) * kWord) + index * lines_for(parameters_ * sizeof(Scalar));
    auto* const whole = reinterpret_cast<Scalar*>(section(owner) + lines * kLine);
    return slice_of(std::span(whole, parameters_), slice);
  }
  const auto rank = static_cast<std::size_t>(group_.rank());
  const auto lines = static_cast<std::size_t>(shard_lines_[rank + 1] - shard_lines_[rank]);
  const std::size_t size = std::min(end_slice_ * kSlice, parameters_) - first_slice_ * kSlice;
  Scalar* const shard =
      shards_.data() + (index * senders_.size() + owner) * lines * kLine / sizeof(Scalar);
  return slice_of(std::span(shard, size), slice - first_slice_);
}

template <class Scalar>
int GradientExchange<Scalar>::share_sums(std::span<double> losses,
                                         std::span<double> squared_norms) {
  if (sharding_.sharded) {
    set_head(losses, squared_norms.subspan(first_slice_, end_slice_ - first_slice_));
    group_.all_gather(message_.data(), unit_, sections_);
  }
  return read_heads(losses, squared_norms);
}

template <class Scalar>
void GradientExchange<Scalar>::share_parameters(AlignedBuffer<Scalar>& parameters) {
  if (!sharding_.sharded) return;
  group_.all_gather(reinterpret_cast<std::byte*>(parameters.data()), Unit::line, shard_lines_);
}

template <class Scalar>
void GradientExchange<Scalar>::collect_at_root(AlignedBuffer<Scalar>& moments) {
  if (!sharding_.sharded) return;
  auto* const data = reinterpret_cast<std::byte*>(moments.data());
  group_.gather(data, data, Unit::line, shard_lines_);
}

template class GradientExchange<float>;
template class GradientExchange<double>;

}  // namespace microgpt
