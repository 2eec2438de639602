// How a step's documents are dealt to lanes.
//
// A lane is the documents whose gradient is summed by one worker into one buffer. Lanes follow from
// the documents and the config alone, never from the number of threads, and the lanes' gradients
// are added in one fixed tree: so the bits of the sum do not depend on which worker took which
// lane.
//
// Documents are dealt from the top of the tree down, longest first: each to the half that has fewer
// positions (for each of its lanes) so far, and then within the halves in the same way. So not only
// the lanes are almost equally long, but what is above them, too: halves of the step, which two
// workers take, differ by a position at most in nine of ten steps of names. With eight positions in
// a vector, one more than a worker's share can be an eighth more to do.
#pragma once

#include <span>
#include <vector>

#include "distributed/reduction_plan.hpp"
#include "microgpt/dataset.hpp"
#include "training/batch_plan.hpp"

namespace microgpt {

class LanePlan {
 public:
  using Lane = std::span<const Document>;

  /// For steps within `limits` of up to `batch_size` documents, none longer than
  /// `longest_document`. All memory is taken here.
  LanePlan(const BatchLimits& limits, std::int64_t batch_size, std::int64_t longest_document);

  /// Plans the step of `batch`, which is not empty.
  void deal(std::span<const Document> batch);

  /// The documents of the step, lane by lane.
  [[nodiscard]] std::span<const Document> documents() const { return documents_; }
  [[nodiscard]] std::span<const Lane> lanes() const { return lanes_; }
  /// Those of some lanes.
  [[nodiscard]] std::span<const Document> documents_of(LaneRange lanes) const {
    const std::size_t begin = first_document(lanes.first);
    return documents().subspan(begin, first_document(lanes.end) - begin);
  }
  /// How many lanes of the mean length fit into one piece, up to `most`, a power of two.
  [[nodiscard]] int lanes_of_a_piece(int most) const {
    while (most > 1 && most * positions_ > std::ssize(lanes_) * limits_.piece_positions) most /= 2;
    return most;
  }
  /// The number of a lane's first document; of all documents for the lane behind the last.
  [[nodiscard]] std::size_t first_document(int lane) const;

 private:
  void sort_by_length(std::span<const Document> batch);
  void deal_to_lanes(std::int64_t lanes, std::span<Document> documents);

  BatchLimits limits_;
  std::int64_t positions_ = 0;  // of the step
  std::vector<std::size_t> next_of_length_;
  std::vector<Document> documents_;
  std::vector<Document> right_;  // dealt to a right half
  std::vector<Lane> lanes_;
};

}  // namespace microgpt
