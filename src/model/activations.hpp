// What forward leaves for backward, for one piece of packed documents: all of a worker's own
// memory.
//
// Every matrix is features x positions: a row holds one feature of all positions of the piece, a
// column (one lane of a vector) all features of one position. Columns are padded to whole vectors;
// those behind the last position hold numbers of no meaning, but finite ones.
//
// Stored per position and layer: the two residual inputs, queries, keys and values, the attended
// values, the MLP's input to its activation, two reciprocal roots, and two terms of each softmax.
// Norms, activations and attention probabilities are cheap to make again, and are not stored.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention.hpp"
#include "kernels/matrix.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

using kernels::Index;
using kernels::Matrix;

/// Documents laid end to end: column p of every matrix is one position of one of them.
struct PackedDocuments {
  std::span<const Token> stream;
  std::span<const Document> documents;
  /// The same in 2 or kMostParts parts: each part's weight gradients are summed apart, then those
  /// of neighbours are added, and then these sums. Empty where all are one part.
  std::span<const std::span<const Document>> parts = {};

  [[nodiscard]] Index positions() const { return count_positions(documents); }
};
inline constexpr std::size_t kMostParts = 4;

/// Asks for the tokens of documents, which lie anywhere in the stream, all before the first is
/// needed.
void ask_for(std::span<const Token> stream, std::span<const Document> documents);

/// C = n_embd.
template <class Scalar>
struct LayerActivations {
  Matrix<Scalar> input;          ///< C x positions: the residual stream before attention
  Scalar* input_inverse_rms;     ///< positions
  Matrix<Scalar> qkv;            ///< 3C x positions
  Matrix<Scalar> softmax_terms;  ///< 2 n_head x positions
  Matrix<Scalar> attended;       ///< C x positions
  Matrix<Scalar> middle;         ///< C x positions: the residual stream before the MLP
  Scalar* middle_inverse_rms;    ///< positions
  Matrix<Scalar> hidden;         ///< 4C x positions: before the activation
};

// What a worker writes in each step lies in cache lines of its own.
template <class Scalar>
class alignas(line_memory::kCacheLine) Activations {
 public:
  /// Room for pieces of up to `max_positions`, and documents no longer than `longest_document`.
  Activations(const ModelShape& shape, Index max_positions, Index longest_document);
  /// The same for documents as long as the model reads.
  Activations(const ModelShape& shape, Index max_positions)
      : Activations(shape, max_positions, shape.block_size) {}

  /// What such an object takes, in bytes.
  [[nodiscard]] static std::int64_t bytes(const ModelShape& shape, Index max_positions,
                                          Index longest_document);

  [[nodiscard]] Index max_positions() const { return max_positions_; }

  /// To be called before any of the views below is asked for: lays the documents out.
  void set_piece(const PackedDocuments& piece);

  /// Positions of the piece; the views have as many columns, rounded up to whole vectors.
  [[nodiscard]] Index positions() const { return std::ssize(targets_); }
  [[nodiscard]] Index columns() const { return columns_; }

  /// How many positions each of the piece's parts has; they lie one behind the other.
  [[nodiscard]] std::span<const Index> parts() const {
    return std::span(parts_).first(part_count_);
  }

  /// For each position of the piece: the token there and the one that it is to predict.
  [[nodiscard]] std::span<const Token> tokens() const { return tokens_; }
  [[nodiscard]] std::span<const Token> targets() const { return targets_; }
  /// For each column its place in its document, 0 behind the last position.
  [[nodiscard]] kernels::PackedPositions<Scalar> packed() const {
    return {lengths_.values().first(documents_), place_, distances_.data(), most_distances_};
  }

  /// For each column a factor of its loss, and the losses. 0 behind the last position.
  [[nodiscard]] Scalar* loss_scales() { return loss_scales_; }
  [[nodiscard]] std::span<Scalar> losses() { return {losses_, targets_.size()}; }

  [[nodiscard]] Matrix<Scalar> embedded() const { return of(embedded_); }
  [[nodiscard]] Scalar* embedded_inverse_rms() { return embedded_inverse_rms_; }
  [[nodiscard]] LayerActivations<Scalar> layer(Index index) const;
  [[nodiscard]] Matrix<Scalar> output() const { return of(output_); }
  [[nodiscard]] Matrix<Scalar> logits() const { return of(logits_); }

  /// Scratch that one layer hands to the next.
  [[nodiscard]] Matrix<Scalar> normed() const { return of(normed_); }
  [[nodiscard]] Matrix<Scalar> activated() const { return of(activated_); }
  [[nodiscard]] Matrix<Scalar> d_residual() const { return of(d_residual_); }
  [[nodiscard]] Matrix<Scalar> d_narrow() const { return of(d_narrow_); }
  [[nodiscard]] Matrix<Scalar> d_qkv() const { return of(d_qkv_); }
  [[nodiscard]] Matrix<Scalar> d_hidden() const { return of(d_hidden_); }
  [[nodiscard]] kernels::AttentionScratch<Scalar>& attention_scratch(Index layer) {
    return attention_[attention_.size() == 1 ? 0 : static_cast<std::size_t>(layer)];
  }

  /// vocab + block_size rows of n_embd numbers: the embeddings' gradient of one part (level 0), or
  /// of two (level 1).
  [[nodiscard]] Matrix<Scalar> d_embeddings(int level) const {
    return d_embeddings_[static_cast<std::size_t>(level)];
  }

  /// positions x features: a transposed copy of one of the matrices above.
  [[nodiscard]] Matrix<Scalar> transposed(Index features) const;

 private:
  // A matrix of this many rows in the buffer, whose columns are those of the piece.
  struct Slot {
    Scalar* data;
    Index rows;
  };
  struct LayerSlots {
    Slot input, qkv, softmax_terms, attended, middle, hidden;
    Scalar* input_inverse_rms;
    Scalar* middle_inverse_rms;
  };

  [[nodiscard]] Matrix<Scalar> of(const Slot& slot) const {
    return {slot.data, slot.rows, columns_, stride_};
  }
  Slot take(Index rows);
  void look_back(Index first, Index length);
  Scalar* take_row() { return take(1).data; }

  Index max_positions_;
  Index columns_ = 0;
  std::size_t part_count_ = 1;
  std::array<Index, kMostParts> parts_{};
  Index stride_ = 0;
  Index most_distances_ = 0;
  std::size_t documents_ = 0;

  AlignedBuffer<Scalar> buffer_;
  Scalar* next_;
  Scalar* place_;
  Scalar* loss_scales_;
  Scalar* losses_;
  Slot embedded_;
  Scalar* embedded_inverse_rms_;
  Slot output_, logits_;
  Slot normed_, activated_, d_residual_, d_narrow_, d_qkv_, d_hidden_;
  std::vector<LayerSlots> layers_;
  Scalar* transposed_;
  std::array<Matrix<Scalar>, 2> d_embeddings_;
  std::vector<kernels::AttentionScratch<Scalar>> attention_;  // one for all layers, or for each
  AlignedBuffer<Index> lengths_;
  AlignedBuffer<Index> distances_;
  AlignedBuffer<Token> token_storage_;
  std::span<Token> tokens_;
  std::span<Token> targets_;
};

}  // namespace microgpt
