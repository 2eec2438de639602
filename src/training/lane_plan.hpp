// How a step's documents are dealt to lanes.
//
// A lane is the documents whose gradient is summed by one worker into one buffer. Lanes follow from
// the documents and the config alone, never from the number of threads, and the lanes' gradients
// are added in one fixed tree: so the bits of the sum do not depend on which worker took which
// lane.
//
// Documents are dealt like cards, longest first, back and forth: to lanes 0 … n - 1, then n - 1 …
// 0, and so on. That makes the lanes almost equally long, so that no worker waits long for another;
// and documents of one length, side by side, have attention look back equally far.
#pragma once

#include <span>
#include <vector>

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
  /// How many lanes of the mean length fit into one piece, up to `most`, a power of two.
  [[nodiscard]] int lanes_of_a_piece(int most) const {
    while (most > 1 && most * positions_ > std::ssize(lanes_) * limits_.piece_positions) most /= 2;
    return most;
  }
  /// The number of a lane's first document; of all documents for the lane behind the last.
  [[nodiscard]] std::size_t first_document(int lane) const;

 private:
  void sort_by_length(std::span<const Document> batch);

  BatchLimits limits_;
  std::int64_t positions_ = 0;  // of the step
  std::vector<std::size_t> next_of_length_;
  std::vector<Document> sorted_;
  std::vector<Document> documents_;
  std::vector<Lane> lanes_;
};

}  // namespace microgpt
