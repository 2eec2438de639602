// Causal attention by the book: for each query a row of scores, their softmax, and a weighted sum.
#pragma once

#include <numeric>
#include <ostream>
#include <utility>
#include <vector>

#include "kernels/attention.hpp"
#include "support.hpp"

namespace microgpt::kernels {

/// The sizes of the attention over documents that lie end to end. qkv holds all queries above all
/// keys above all values, head above head; a column is a position.
struct AttentionCase {
  AttentionCase(Index length, Index heads, Index features)
      : AttentionCase(std::vector<Index>{length}, heads, features) {}
  AttentionCase(std::vector<Index> document_lengths, Index heads, Index features)
      : lengths(std::move(document_lengths)),
        n_head(heads),
        head_size(features),
        max_length(*std::ranges::max_element(lengths)) {}

  /// The same where documents may be longer, which may be another way.
  [[nodiscard]] AttentionCase in_room_for(Index length) const {
    AttentionCase other = *this;
    other.max_length = length;
    return other;
  }

  std::vector<Index> lengths;
  Index n_head, head_size, max_length;

  [[nodiscard]] Index width() const { return n_head * head_size; }
  [[nodiscard]] Index positions() const {
    return std::accumulate(lengths.begin(), lengths.end(), Index{0});
  }
};

inline std::ostream& operator<<(std::ostream& out, const AttentionCase& c) {
  for (const Index length : c.lengths) out << length << ' ';
  return out << "positions, " << c.n_head << " heads of " << c.head_size << ", room for "
             << c.max_length;
}

/// By distance, where no document is too long for it, and in tiles.
inline std::vector<AttentionCase> both_ways(const AttentionCase& sizes) {
  std::vector<AttentionCase> ways{sizes};
  if (AttentionScratch<float>::by_distance(sizes.max_length)) {
    ways.push_back(sizes.in_room_for(100));
  }
  return ways;
}

/// A matrix in long double.
struct ExactMatrix {
  ExactMatrix(Index row_count, Index col_count)
      : cols(col_count), values(static_cast<std::size_t>(row_count * col_count)) {}
  /// The first columns of a grid.
  template <class Scalar>
  ExactMatrix(const Grid<Scalar>& grid, Index col_count) : ExactMatrix(grid.rows(), col_count) {
    for (Index r = 0; r < grid.rows(); ++r) {
      for (Index c = 0; c < cols; ++c) (*this)(r, c) = grid(r, c);
    }
  }

  Exact& operator()(Index r, Index c) { return values[static_cast<std::size_t>(r * cols + c)]; }
  Exact operator()(Index r, Index c) const {
    return values[static_cast<std::size_t>(r * cols + c)];
  }

  Index cols;
  std::vector<Exact> values;
};

struct ExactAttention {
  ExactMatrix out;          ///< width x positions
  ExactMatrix log_sum_exp;  ///< n_head x positions
};

inline ExactAttention exact_attention(const AttentionCase& c, const ExactMatrix& qkv) {
  ExactAttention result{{c.width(), c.positions()}, {c.n_head, c.positions()}};
  std::vector<Exact> weights(static_cast<std::size_t>(c.positions()));
  for (Index head = 0; head < c.n_head; ++head) {
    const Index query = head * c.head_size, key = query + c.width(), value = key + c.width();
    Index first = 0;
    for (const Index length : c.lengths) {
      for (Index t = first; t < first + length; ++t) {
        Exact sum = 0;
        for (Index s = first; s <= t; ++s) {
          Exact dot = 0;
          for (Index i = 0; i < c.head_size; ++i) dot += qkv(query + i, t) * qkv(key + i, s);
          const Exact weight = std::exp(dot / std::sqrt(static_cast<Exact>(c.head_size)));
          weights[static_cast<std::size_t>(s)] = weight;
          sum += weight;
        }
        result.log_sum_exp(head, t) = std::log(sum);
        for (Index s = first; s <= t; ++s) {
          const Exact probability = weights[static_cast<std::size_t>(s)] / sum;
          for (Index i = 0; i < c.head_size; ++i) {
            result.out(query + i, t) += probability * qkv(value + i, s);
          }
        }
      }
      first += length;
    }
  }
  return result;
}

/// The kernel's attention, forward and backward, of random queries, keys, values and gradient; the
/// columns behind the last position are random, too.
template <class Scalar>
class AttentionRun {
 public:
  explicit AttentionRun(const AttentionCase& sizes)
      : AttentionRun(sizes, padded<Scalar>(sizes.positions())) {}

  void forward() { forward(scratch_); }
  void forward(AttentionScratch<Scalar>& scratch) {
    attention<Scalar>(qkv, packed(), n_head_, scratch, softmax_terms, out);
  }
  void backward() { backward(scratch_); }
  void backward(AttentionScratch<Scalar>& scratch) {
    Grid<Scalar> used_up = d_out.copy();
    attention_backward<Scalar>(qkv, packed(), n_head_, softmax_terms, out, used_up, scratch, d_qkv);
  }

  /// Takes `count` positions of another run's inputs, from `first` there to `to` here.
  void take_positions(const AttentionRun& other, Index first, Index count, Index to = 0) {
    for (Index p = 0; p < count; ++p) {
      for (Index i = 0; i < qkv.rows(); ++i) qkv(i, to + p) = other.qkv(i, first + p);
      for (Index i = 0; i < d_out.rows(); ++i) d_out(i, to + p) = other.d_out(i, first + p);
    }
  }

  [[nodiscard]] PackedPositions<Scalar> packed() {
    return {lengths_, place_.row(0), distances_.data(), *std::ranges::max_element(distances_)};
  }

  Grid<Scalar> qkv, out, softmax_terms, d_out, d_qkv;

 private:
  AttentionRun(const AttentionCase& sizes, Index columns)
      : qkv(Grid<Scalar>::random(3 * sizes.width(), columns, 1)),
        out(sizes.width(), columns),
        softmax_terms(2 * sizes.n_head, columns),
        d_out(Grid<Scalar>::random(sizes.width(), columns, 2)),
        d_qkv(3 * sizes.width(), columns),
        n_head_(sizes.n_head),
        lengths_(sizes.lengths),
        place_(1, columns),
        scratch_(sizes.max_length, columns, sizes.n_head) {
    Scalar* next = place_.row(0);
    for (const Index length : sizes.lengths) {
      for (Index t = 0; t < length; ++t) *next++ = static_cast<Scalar>(t);
    }
    for (Index first = 0; first < columns; first += kLanes<Scalar>) {
      const Scalar* place = place_.row(0) + first;
      const Scalar farthest = *std::max_element(place, place + kLanes<Scalar>);
      distances_.push_back(whole_groups(static_cast<Index>(farthest) + 1));
    }
  }

  Index n_head_;
  std::vector<Index> lengths_;
  Grid<Scalar> place_;
  std::vector<Index> distances_;  // of each vector of columns
  AttentionScratch<Scalar> scratch_;
};

}  // namespace microgpt::kernels
