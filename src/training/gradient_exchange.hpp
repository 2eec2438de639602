// What several processes send each other in a step: gradients, losses, and updated parameters.
//
// Where the model is large, each process owns a shard of its slices: it gets its shard of every
// node's gradient (reduce-scatter, but in our own order of additions), updates its parameters and
// Adam's moments, and all gather the parameters. That is about twice the model's size a step and
// process, and three rounds of messages. Where the model is small, the time of a message counts
// more than its length: all processes gather all nodes in one round, and each does the whole
// update.
#pragma once

#include <span>
#include <vector>

#include "distributed/reduction_plan.hpp"
#include "microgpt/aligned_buffer.hpp"
#include "microgpt/process_group.hpp"

namespace microgpt {

/// Which slices each process reduces and updates.
struct Sharding {
  bool sharded = false;             ///< false: each process all of them
  std::vector<std::size_t> bounds;  ///< shard r: slices bounds[r] .. bounds[r + 1]
};

/// For `parameters` scalars of `scalar_bytes`, and steps of at most `max_lanes` lanes.
[[nodiscard]] Sharding plan_shards(std::size_t parameters, std::size_t scalar_bytes, int max_lanes,
                                   int ranks);

/// Scalars of each of Adam's moments that process `rank` keeps. Rank 0 keeps room for all: they
/// come together there for a checkpoint.
[[nodiscard]] std::size_t moments_kept(std::size_t parameters, const Sharding& sharding, int rank);

/// The bytes that a GradientExchange takes.
[[nodiscard]] std::size_t exchange_bytes(std::size_t parameters, std::size_t scalar_bytes,
                                         int max_lanes, std::size_t max_documents, int rank,
                                         int ranks);

template <class Scalar>
class GradientExchange {
 public:
  /// `group` outlives the object. All memory is taken here.
  GradientExchange(ProcessGroup& group, std::size_t parameters, int max_lanes,
                   std::size_t max_documents);

  /// The slices that this process reduces and updates.
  [[nodiscard]] std::size_t first_slice() const { return first_slice_; }
  [[nodiscard]] std::size_t end_slice() const { return end_slice_; }
  [[nodiscard]] bool sharded() const { return sharding_.sharded; }

  /// Brings the nodes of all processes together, as far as this one needs them. `sums` holds those
  /// of this process, in order, each a whole gradient. `losses` is one number a document of the
  /// step, and process r has set those of documents first_document[r] .. first_document[r + 1].
  /// `note` is passed on to all. Collective, as are the following.
  void gather_nodes(const ReductionPlan& plan, std::span<Scalar* const> sums,
                    std::span<const std::size_t> first_document, std::span<double> losses,
                    int note);

  /// A slice that this process owns, of node `node`.
  [[nodiscard]] std::span<Scalar> node_slice(std::size_t node, std::size_t slice);

  /// Afterwards all have the losses of all documents and the squared norms of all slices. Returns
  /// the largest note.
  int share_sums(std::span<double> losses, std::span<double> squared_norms);

  /// Afterwards all have all parameters.
  void share_parameters(AlignedBuffer<Scalar>& parameters);

  /// Afterwards rank 0 has all of `moments`.
  void collect_at_root(AlignedBuffer<Scalar>& moments);

 private:
  void lay_out_message();
  void set_head(std::span<const double> losses, std::span<const double> squared_norms);
  [[nodiscard]] int read_heads(std::span<double> losses, std::span<double> squared_norms);
  void gather_whole_nodes(std::span<Scalar* const> sums);
  void exchange_shards(std::span<Scalar* const> sums);
  [[nodiscard]] std::size_t head_words(std::size_t rank) const;
  [[nodiscard]] std::byte* section(std::size_t rank);

  ProcessGroup& group_;
  std::size_t parameters_;
  Sharding sharding_;
  std::size_t first_slice_ = 0;
  std::size_t end_slice_;
  std::vector<std::int64_t> shard_lines_;  // where each shard begins in a block, and the end

  // Of the step under way.
  const ReductionPlan* plan_ = nullptr;
  std::span<const std::size_t> first_document_;
  int note_ = 0;

  // A section of each process. Its head is doubles: the note, losses and, if sharded, the squared
  // norms of the shard's slices. If not sharded, whole nodes follow, from the next line on.
  AlignedBuffer<std::byte> message_;
  std::vector<std::int64_t> sections_;  // where each begins, and the end, in units_
  Unit unit_;
  // If sharded: this shard of every node, [index among those of its process][process].
  AlignedBuffer<Scalar> shards_;
  std::vector<char> senders_;
};

}  // namespace microgpt
