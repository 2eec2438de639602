// How a piece is laid out in a worker's memory.
#include "model/activations.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/simd.hpp"
#include "tiny_model.hpp"

namespace microgpt {
namespace {

using kernels::kLanes;
using kernels::padded;

class ActivationsTest : public EachShape {
 protected:
  template <class Scalar>
  void expect_layout() const {
    const RaggedDocuments documents(shape(), 11);
    Activations<Scalar> activations(shape(), documents.all().positions());
    for (std::size_t count = 11; count >= 1; --count) {
      const PackedDocuments piece = documents.some(0, count);
      activations.set_piece(piece);
      EXPECT_EQ(activations.positions(), piece.positions());
      EXPECT_EQ(activations.columns(), padded<Scalar>(piece.positions()));
      ASSERT_EQ(std::ssize(activations.tokens()), piece.positions());
      ASSERT_EQ(std::ssize(activations.targets()), piece.positions());
      ASSERT_EQ(std::ssize(activations.losses()), piece.positions());
      const auto [lengths, place, distances, most_distances] = activations.packed();
      ASSERT_EQ(lengths.size(), piece.documents.size());

      std::size_t position = 0;
      for (std::size_t d = 0; d < piece.documents.size(); ++d) {
        const Document& document = piece.documents[d];
        EXPECT_EQ(lengths[d], document.length);
        const auto tokens = documents.tokens(document);
        for (std::size_t t = 0; t + 1 < tokens.size(); ++t, ++position) {
          EXPECT_EQ(activations.tokens()[position], tokens[t]);
          EXPECT_EQ(activations.targets()[position], tokens[t + 1]);
          EXPECT_EQ(place[position], static_cast<Scalar>(t));
        }
      }
      for (Index behind = activations.positions(); behind < activations.columns(); ++behind) {
        EXPECT_EQ(place[behind], 0);
      }
      // As far as the farthest of each vector looks back. The first document is a whole block.
      EXPECT_EQ(most_distances, kernels::whole_groups(shape().block_size));
      for (Index first = 0; first < activations.columns(); first += kLanes<Scalar>) {
        const Scalar farthest = *std::max_element(place + first, place + first + kLanes<Scalar>);
        EXPECT_EQ(distances[first / kLanes<Scalar>],
                  kernels::whole_groups(static_cast<Index>(farthest) + 1));
      }
    }
  }
};

TEST_P(ActivationsTest, LaysDocumentsEndToEnd) {
  expect_layout<float>();
  expect_layout<double>();
}

TEST_P(ActivationsTest, KnowsThePositionsOfEachPart) {
  const RaggedDocuments documents(shape(), 11);
  Activations<float> activations(shape(), documents.all().positions());
  for (const std::vector<std::size_t>& counts :
       std::vector<std::vector<std::size_t>>{{4, 7}, {1, 2, 3, 5}, {10, 1}}) {
    const auto parts = documents.parts(counts);
    activations.set_piece({documents.stream, documents.documents, parts});
    ASSERT_EQ(activations.parts().size(), counts.size());
    for (std::size_t part = 0; part < counts.size(); ++part) {
      EXPECT_EQ(activations.parts()[part], count_positions(parts[part])) << part;
    }
    activations.set_piece(documents.all());
    ASSERT_EQ(activations.parts().size(), 1U);
    EXPECT_EQ(activations.parts()[0], activations.positions());
  }
}

TEST_P(ActivationsTest, HasTheShapesOfTheModel) {
  const RaggedDocuments documents(shape(), 3);
  Activations<float> activations(shape(), 200);
  EXPECT_EQ(activations.max_positions(), 200);
  activations.set_piece(documents.all());
  const Index n_embd = shape().n_embd, columns = activations.columns();
  const auto expect_shape = [columns](const Matrix<float>& matrix, Index rows) {
    EXPECT_EQ(matrix.rows, rows);
    EXPECT_EQ(matrix.cols, columns);
  };
  expect_shape(activations.embedded(), n_embd);
  expect_shape(activations.output(), n_embd);
  expect_shape(activations.logits(), shape().vocab_size);
  expect_shape(activations.normed(), n_embd);
  expect_shape(activations.activated(), 4 * n_embd);
  expect_shape(activations.d_residual(), n_embd);
  expect_shape(activations.d_narrow(), n_embd);
  expect_shape(activations.d_qkv(), 3 * n_embd);
  expect_shape(activations.d_hidden(), 4 * n_embd);
  for (Index l = 0; l < shape().n_layer; ++l) {
    const auto layer = activations.layer(l);
    expect_shape(layer.input, n_embd);
    expect_shape(layer.qkv, 3 * n_embd);
    expect_shape(layer.softmax_terms, 2 * shape().n_head);
    expect_shape(layer.attended, n_embd);
    expect_shape(layer.middle, n_embd);
    expect_shape(layer.hidden, 4 * n_embd);
  }
  for (const int level : {0, 1}) {
    EXPECT_EQ(activations.d_embeddings(level).rows, shape().vocab_size + shape().block_size);
    EXPECT_EQ(activations.d_embeddings(level).cols, n_embd);
  }
  const auto transposed = activations.transposed(n_embd);
  EXPECT_EQ(transposed.rows, activations.positions());
  EXPECT_EQ(transposed.cols, n_embd);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ActivationsTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
