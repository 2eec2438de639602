// What forward leaves for backward, for one piece of packed documents: all of a worker's own
// memory.
//
// Stored per position and layer: the two residual inputs, queries, keys and values, the attended
// values, the MLP's input to its activation, and three reciprocal roots and log-sums. Norms,
// activations and attention probabilities are cheap to make again, and are not stored.
#pragma once

#include <vector>

#include "kernels/attention.hpp"
#include "kernels/product.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

using kernels::Index;
using kernels::Matrix;

/// Documents laid end to end: row r of every matrix is one position of one of them.
struct PackedDocuments {
  std::span<const Token> stream;
  std::span<const Document> documents;

  [[nodiscard]] Index positions() const {
    Index count = 0;
    for (const Document& document : documents) count += document.length;
    return count;
  }
};

/// Views for `rows` positions. C = n_embd.
template <class Scalar>
struct LayerActivations {
  Matrix<Scalar> input;        ///< rows x C: the residual stream before attention
  Scalar* input_inverse_rms;   ///< rows
  Matrix<Scalar> qkv;          ///< rows x 3C
  Matrix<Scalar> log_sum_exp;  ///< n_head x rows, and room for whole blocks of queries
  Matrix<Scalar> attended;     ///< rows x C
  Matrix<Scalar> middle;       ///< rows x C: the residual stream before the MLP
  Scalar* middle_inverse_rms;  ///< rows
  Matrix<Scalar> hidden;       ///< rows x 4C: before the activation
};

template <class Scalar>
class Activations {
 public:
  /// Room for pieces of up to `max_rows` positions; a document is no longer than block_size.
  Activations(const ModelShape& shape, Index max_rows);

  /// What such an object takes, in bytes.
  [[nodiscard]] static std::int64_t bytes(const ModelShape& shape, Index max_rows);

  [[nodiscard]] Index max_rows() const { return max_rows_; }

  /// Views for the first `rows` positions; rows <= max_rows.
  [[nodiscard]] Matrix<Scalar> embedded(Index rows) { return of(embedded_, rows); }
  [[nodiscard]] Scalar* embedded_inverse_rms() { return embedded_inverse_rms_; }
  [[nodiscard]] LayerActivations<Scalar> layer(Index index, Index rows);
  [[nodiscard]] Matrix<Scalar> output(Index rows) { return of(output_, rows); }
  [[nodiscard]] Matrix<Scalar> logits(Index rows) { return of(logits_, rows); }

  /// For each row the first row of its document, as the caller fills it in.
  [[nodiscard]] std::span<Index> document_start(Index rows) {
    return std::span(document_start_).first(static_cast<std::size_t>(rows));
  }

  /// Scratch that one layer hands to the next.
  [[nodiscard]] Matrix<Scalar> normed(Index rows) { return of(normed_, rows); }
  [[nodiscard]] Matrix<Scalar> activated(Index rows) { return of(activated_, rows); }
  [[nodiscard]] Matrix<Scalar> d_residual(Index rows) { return of(d_residual_, rows); }
  [[nodiscard]] Matrix<Scalar> d_narrow(Index rows) { return of(d_narrow_, rows); }
  [[nodiscard]] Matrix<Scalar> d_qkv(Index rows) { return of(d_qkv_, rows); }
  [[nodiscard]] Matrix<Scalar> d_hidden(Index rows) { return of(d_hidden_, rows); }
  [[nodiscard]] kernels::AttentionScratch<Scalar>& attention_scratch() { return attention_; }

 private:
  static Matrix<Scalar> of(const Matrix<Scalar>& all, Index rows) { return all.row_range(0, rows); }
  Matrix<Scalar> take(Index rows, Index cols);
  Matrix<Scalar> take(Index cols) { return take(max_rows_, cols); }
  Scalar* take_column();

  Index max_rows_;
  AlignedBuffer<Scalar> buffer_;
  Scalar* next_;
  Matrix<Scalar> embedded_;
  Scalar* embedded_inverse_rms_;
  Matrix<Scalar> output_;
  Matrix<Scalar> logits_;
  Matrix<Scalar> normed_;
  Matrix<Scalar> activated_;
  Matrix<Scalar> d_residual_;
  Matrix<Scalar> d_narrow_;
  Matrix<Scalar> d_qkv_;
  Matrix<Scalar> d_hidden_;
  std::vector<LayerActivations<Scalar>> layers_;
  kernels::AttentionScratch<Scalar> attention_;
  std::vector<Index> document_start_;
};

}  // namespace microgpt
