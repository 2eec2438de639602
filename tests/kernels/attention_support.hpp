// Causal attention by the book: for each query a row of scores, their softmax, and a weighted sum.
#pragma once

#include <utility>

#include "kernels/attention.hpp"
#include "support.hpp"

namespace microgpt::kernels {

/// The sizes of one document's attention. A row of qkv holds all queries, then all keys, then all
/// values, head behind head.
struct AttentionCase {
  Index length, n_head, head_size;

  [[nodiscard]] Index width() const { return n_head * head_size; }
};

inline std::ostream& operator<<(std::ostream& out, const AttentionCase& c) {
  return out << c.length << " positions, " << c.n_head << " heads of " << c.head_size;
}

/// A matrix in long double.
struct ExactMatrix {
  ExactMatrix(Index row_count, Index col_count)
      : cols(col_count), values(static_cast<std::size_t>(row_count * col_count)) {}
  template <class Scalar>
  explicit ExactMatrix(const Grid<Scalar>& grid) : ExactMatrix(grid.rows(), grid.cols()) {
    const auto elements = grid.values();
    std::ranges::copy(elements, values.begin());
  }

  Exact& operator()(Index r, Index c) { return values[static_cast<std::size_t>(r * cols + c)]; }
  Exact operator()(Index r, Index c) const {
    return values[static_cast<std::size_t>(r * cols + c)];
  }

  Index cols;
  std::vector<Exact> values;
};

struct ExactAttention {
  ExactMatrix out;          ///< length x width
  ExactMatrix log_sum_exp;  ///< length x n_head
};

inline ExactAttention exact_attention(const AttentionCase& c, const ExactMatrix& qkv) {
  ExactAttention result{{c.length, c.width()}, {c.length, c.n_head}};
  std::vector<Exact> weights(static_cast<std::size_t>(c.length));
  for (Index head = 0; head < c.n_head; ++head) {
    const Index query = head * c.head_size, key = query + c.width(), value = key + c.width();
    for (Index t = 0; t < c.length; ++t) {
      Exact sum = 0;
      for (Index s = 0; s <= t; ++s) {
        Exact dot = 0;
        for (Index i = 0; i < c.head_size; ++i) dot += qkv(t, query + i) * qkv(s, key + i);
        const Exact weight = std::exp(dot / std::sqrt(static_cast<Exact>(c.head_size)));
        weights[static_cast<std::size_t>(s)] = weight;
        sum += weight;
      }
      result.log_sum_exp(t, head) = std::log(sum);
      for (Index s = 0; s <= t; ++s) {
        const Exact probability = weights[static_cast<std::size_t>(s)] / sum;
        for (Index i = 0; i < c.head_size; ++i) {
          result.out(t, query + i) += probability * qkv(s, value + i);
        }
      }
    }
  }
  return result;
}

/// The kernel's attention, forward and backward, of random queries, keys, values and gradient.
template <class Scalar>
class AttentionRun {
 public:
  /// Of one document.
  explicit AttentionRun(const AttentionCase& sizes)
      : AttentionRun(sizes, std::vector<Index>(static_cast<std::size_t>(sizes.length), 0)) {}

  /// Of documents laid end to end, as `document_start` says; the sizes are those of them all.
  AttentionRun(const AttentionCase& sizes, std::vector<Index> document_start)
      : qkv(Grid<Scalar>::random(sizes.length, 3 * sizes.width(), 1)),
        out(sizes.length, sizes.width()),
        log_sum_exp(sizes.n_head, whole_blocks<Scalar>(sizes.length)),
        d_out(Grid<Scalar>::random(sizes.length, sizes.width(), 2)),
        d_qkv(sizes.length, 3 * sizes.width()),
        n_head_(sizes.n_head),
        document_start_(std::move(document_start)),
        scratch_(longest(document_start_), sizes.width()) {}

  void forward() { forward(scratch_); }
  void forward(AttentionScratch<Scalar>& scratch) {
    attention<Scalar>(qkv, document_start_, n_head_, scratch, log_sum_exp, out);
  }
  void backward() { backward(scratch_); }
  void backward(AttentionScratch<Scalar>& scratch) {
    attention_backward<Scalar>(qkv, document_start_, n_head_, log_sum_exp, d_out, scratch, d_qkv);
  }

  Grid<Scalar> qkv, out, log_sum_exp, d_out, d_qkv;

 private:
  static Index longest(const std::vector<Index>& document_start) {
    Index length = 0;
    for (Index row = 0; row < std::ssize(document_start); ++row) {
      length = std::max(length, row + 1 - document_start[static_cast<std::size_t>(row)]);
    }
    return length;
  }

  Index n_head_;
  std::vector<Index> document_start_;
  AttentionScratch<Scalar> scratch_;
};

}  // namespace microgpt::kernels
