// The memory of one worker: its parts do not overlap, and lie within what is said to be taken.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/simd.hpp"
#include "model/activations.hpp"
#include "tiny_model.hpp"

namespace microgpt {
namespace {

using kernels::kLanes;
using kernels::padded;

// Everything in an Activations that a name stands for, whole vectors of columns.
template <class Scalar>
struct Part {
  std::string name;
  Matrix<Scalar> matrix;
};

template <class Scalar>
std::vector<Part<Scalar>> parts_of(Activations<Scalar>& activations, const ModelShape& shape) {
  const Index columns = activations.columns();
  const auto row = [columns](Scalar* data) { return Matrix<Scalar>(data, 1, columns); };
  // Written through in the test only: the place is handed out to be read.
  const auto place = const_cast<Scalar*>(activations.packed().place);
  const Index positions = activations.positions();
  std::vector<Part<Scalar>> parts{
      {"place", row(place)},
      {"loss_scales", row(activations.loss_scales())},
      {"losses", {activations.losses().data(), 1, positions}},
      {"embedded", activations.embedded()},
      {"embedded_inverse_rms", row(activations.embedded_inverse_rms())},
      {"output", activations.output()},
      {"logits", activations.logits()},
      {"normed", activations.normed()},
      {"activated", activations.activated()},
      {"d_residual", activations.d_residual()},
      {"d_narrow", activations.d_narrow()},
      {"d_qkv", activations.d_qkv()},
      {"d_hidden", activations.d_hidden()},
      {"transposed", activations.transposed(shape.mlp_width())},
      {"d_embeddings.0", activations.d_embeddings(0)},
      {"d_embeddings.1", activations.d_embeddings(1)},
  };
  for (Index l = 0; l < shape.n_layer; ++l) {
    const auto layer = activations.layer(l);
    const std::string prefix = "layer" + std::to_string(l) + ".";
    parts.push_back({prefix + "input", layer.input});
    parts.push_back({prefix + "input_inverse_rms", row(layer.input_inverse_rms)});
    parts.push_back({prefix + "qkv", layer.qkv});
    parts.push_back({prefix + "softmax_terms", layer.softmax_terms});
    parts.push_back({prefix + "attended", layer.attended});
    parts.push_back({prefix + "middle", layer.middle});
    parts.push_back({prefix + "middle_inverse_rms", row(layer.middle_inverse_rms)});
    parts.push_back({prefix + "hidden", layer.hidden});
    auto& scratch = activations.attention_scratch(l);
    if (!scratch.by_distance()) {
      if (l > 0) continue;  // one for all layers
      const Index queries = scratch.kTileQueries, keys = shape.block_size;
      parts.push_back({"scratch.by_key", scratch.tile_by_key(keys, queries)});
      parts.push_back({"scratch.by_query", scratch.tile_by_query(queries, keys)});
      parts.push_back({"scratch.d_by_query", scratch.d_tile_by_query(queries, keys)});
      continue;
    }
    parts.push_back({prefix + "scratch.d_scores", scratch.d_scores(columns)});
    for (Index h = 0; h < shape.n_head; ++h) {
      const std::string name = prefix + "scratch.exponentials" + std::to_string(h);
      parts.push_back({name, scratch.exponentials(columns, h)});
    }
  }
  return parts;
}

class ActivationsMemoryTest : public EachShape {
 protected:
  // Each part is filled with a number of its own; then all of them are still there.
  template <class Scalar>
  void expect_apart() const {
    const RaggedDocuments documents(shape(), 11);
    Activations<Scalar> activations(shape(), documents.all().positions());
    for (const std::size_t count : {11U, 1U}) {
      activations.set_piece(documents.some(0, count));
      const auto parts = parts_of(activations, shape());
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto& matrix = parts[i].matrix;
        for (Index r = 0; r < matrix.rows; ++r) {
          std::fill_n(matrix.row(r), matrix.cols, static_cast<Scalar>(i + 1));
        }
      }
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto& matrix = parts[i].matrix;
        EXPECT_GE(matrix.rows, 1) << parts[i].name;
        for (Index r = 0; r < matrix.rows; ++r) {
          EXPECT_TRUE(std::all_of(matrix.row(r), matrix.row(r) + matrix.cols,
                                  [i](Scalar x) { return x == static_cast<Scalar>(i + 1); }))
              << parts[i].name << ", row " << r;
        }
      }
    }
  }

  // Full of positions, from the first part to two vectors behind the last, which may be read.
  template <class Scalar>
  void expect_within_bytes() const {
    const RaggedDocuments documents(shape(), 11);
    const Index max_positions = documents.all().positions();
    Activations<Scalar> activations(shape(), max_positions);
    activations.set_piece(documents.all());
    std::uintptr_t first = UINTPTR_MAX, end = 0;
    for (const auto& [name, matrix] : parts_of(activations, shape())) {
      if (name.find("scratch.") != std::string::npos) continue;  // not in there
      first = std::min(first, reinterpret_cast<std::uintptr_t>(matrix.data));
      const Scalar* behind = matrix.row(matrix.rows - 1) + padded<Scalar>(matrix.cols);
      end = std::max(end, reinterpret_cast<std::uintptr_t>(behind + kLanes<Scalar>));
    }
    using Scratch = kernels::AttentionScratch<Scalar>;
    const Index scratch =
        (Scratch::by_distance(shape().block_size) ? shape().n_layer : 1) *
        Scratch::size(shape().block_size, padded<Scalar>(max_positions), shape().n_head);
    EXPECT_LE(static_cast<std::int64_t>(end - first),
              Activations<Scalar>::bytes(shape(), max_positions, shape().block_size) -
                  scratch * static_cast<Index>(sizeof(Scalar)) -
                  2 * max_positions * static_cast<Index>(sizeof(Token)) -
                  (max_positions + padded<Scalar>(max_positions) /
                                       kLanes<Scalar>)*static_cast<Index>(sizeof(Index)));
  }

  // Vectors are read and written where they begin on a boundary.
  template <class Scalar>
  void expect_aligned() const {
    const RaggedDocuments documents(shape(), 11);
    Activations<Scalar> activations(shape(), documents.all().positions());
    for (const std::size_t count : {11U, 4U, 1U}) {
      activations.set_piece(documents.some(0, count));
      for (const auto& [name, matrix] : parts_of(activations, shape())) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.data) % kernels::kVectorBytes, 0U)
            << name;
        if (matrix.rows > 1 && !name.starts_with("d_embeddings")) {  // which are added as one row
          EXPECT_EQ(matrix.stride % kLanes<Scalar>, 0) << name;
          EXPECT_GE(matrix.stride, padded<Scalar>(matrix.cols)) << name;
        }
      }
    }
  }
};

TEST_P(ActivationsMemoryTest, KeepsItsPartsApart) {
  expect_apart<float>();
  expect_apart<double>();
}

TEST_P(ActivationsMemoryTest, TakesNoMoreMemoryThanItSays) {
  expect_within_bytes<float>();
  expect_within_bytes<double>();
}

TEST_P(ActivationsMemoryTest, StartsRowsOnVectorBoundaries) {
  expect_aligned<float>();
  expect_aligned<double>();
}

INSTANTIATE_TEST_SUITE_P(Shapes, ActivationsMemoryTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
