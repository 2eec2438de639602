// A model of random parameters and random documents for it, small enough to be worked out by hand.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <ostream>
#include <span>
#include <string_view>
#include <vector>

#include "microgpt/dataset.hpp"
#include "microgpt/model.hpp"
#include "microgpt/random.hpp"
#include "model/plain_transformer.hpp"
#include "model/transformer.hpp"

namespace microgpt {

/// A shape under the name that it has in a test.
struct NamedShape {
  std::string_view name;
  ModelShape shape;
};
inline std::ostream& operator<<(std::ostream& out, const NamedShape& s) { return out << s.name; }

/// The tutorial's model, each activation, more layers, sizes that fill no vector, blocks that are
/// longer than attention takes at a time, and the smallest model of all.
inline constexpr std::array kShapes{
    NamedShape{"Tutorial", {27, 1, 16, 4, 8, Activation::relu_squared}},
    NamedShape{"Relu", {7, 1, 8, 2, 6, Activation::relu}},
    NamedShape{"Gelu", {7, 1, 8, 2, 6, Activation::gelu}},
    NamedShape{"TwoLayers", {7, 2, 8, 2, 5, Activation::relu_squared}},
    NamedShape{"OddWidth", {5, 2, 6, 3, 7, Activation::gelu}},
    NamedShape{"OddHeads", {18, 3, 9, 3, 4, Activation::relu}},
    NamedShape{"LongBlock", {5, 1, 4, 2, 40, Activation::relu_squared}},
    NamedShape{"Smallest", {2, 1, 1, 1, 1, Activation::relu_squared}},
};

/// `count` documents one behind the other in a stream of random tokens: lengths block_size, 1 and
/// others between them by turns.
class RaggedDocuments {
 public:
  RaggedDocuments(const ModelShape& shape, int count) {
    PythonRandom random(3);
    for (int d = 0; d < count; ++d) {
      const std::int64_t block = shape.block_size;
      const std::int64_t between = 1 + random.below(static_cast<std::uint32_t>(block));
      const std::int64_t length = d % 3 == 0 ? block : d % 3 == 1 ? 1 : between;
      documents.push_back({.offset = std::ssize(stream), .length = length});
      for (std::int64_t t = 0; t <= length; ++t) {
        const auto token = random.below(static_cast<std::uint32_t>(shape.vocab_size));
        stream.push_back(static_cast<Token>(token));
      }
    }
  }

  [[nodiscard]] PackedDocuments all() const { return some(0, documents.size()); }
  [[nodiscard]] PackedDocuments one(std::size_t index) const { return some(index, 1); }
  /// `count` documents from `first`, in one part.
  [[nodiscard]] PackedDocuments some(std::size_t first, std::size_t count) const {
    return {stream, std::span(documents).subspan(first, count)};
  }
  /// Parts of so many documents each, from the first one on.
  [[nodiscard]] std::vector<std::span<const Document>> parts(
      const std::vector<std::size_t>& counts) const {
    std::vector<std::span<const Document>> parts;
    auto rest = std::span(documents);
    for (const std::size_t count : counts) {
      parts.push_back(rest.first(count));
      rest = rest.subspan(count);
    }
    return parts;
  }
  /// The n + 1 tokens of a document.
  [[nodiscard]] std::span<const Token> tokens(const Document& document) const {
    return std::span(stream).subspan(static_cast<std::size_t>(document.offset),
                                     static_cast<std::size_t>(document.length) + 1);
  }

  std::vector<Token> stream;
  std::vector<Document> documents;
};

/// Losses of the documents of a piece, and the gradient of their sum, times a factor.
template <class Scalar>
struct LossesAndGradient {
  std::vector<double> losses;
  std::vector<Scalar> gradient;
};

template <class Scalar>
class TinyModel {
 public:
  explicit TinyModel(const ModelShape& model_shape)
      : shape(model_shape),
        layout(shape),
        parameters(static_cast<std::size_t>(layout.size())),
        weights(shape, parameters.data()) {
    PythonRandom random(1);
    initialize_parameters<Scalar>(layout, 0.4, false, random, parameters.values());
  }
  TinyModel(const TinyModel&) = delete;
  TinyModel& operator=(const TinyModel&) = delete;

  [[nodiscard]] TransformerWeights<Scalar> view() const { return {shape, weights}; }

  /// The same model by its formulas.
  [[nodiscard]] PlainTransformer plain() const {
    const auto values = parameters.values();
    return {shape, {values.begin(), values.end()}};
  }

  [[nodiscard]] std::vector<double> losses(const PackedDocuments& piece) const {
    Activations<Scalar> activations(shape, piece.positions());
    std::vector<double> losses(piece.documents.size());
    forward<Scalar>(view(), piece, activations);
    document_losses(piece, activations, losses);
    return losses;
  }

  [[nodiscard]] LossesAndGradient<Scalar> gradient(const PackedDocuments& piece,
                                                   double scale = 1) const {
    Activations<Scalar> activations(shape, piece.positions());
    LossesAndGradient<Scalar> result{std::vector<double>(piece.documents.size()),
                                     std::vector<Scalar>(parameters.size())};
    forward<Scalar>(view(), piece, activations);
    backward<Scalar>(view(), piece, scale, activations, result.losses,
                     Weights<Scalar>(shape, result.gradient.data()), Gradient::replace);
    return result;
  }

  ModelShape shape;
  ParameterLayout layout;
  AlignedBuffer<Scalar> parameters;
  Weights<const Scalar> weights;
};

/// A test for each of the shapes.
class EachShape : public ::testing::TestWithParam<NamedShape> {
 protected:
  [[nodiscard]] const ModelShape& shape() const { return GetParam().shape; }
};

inline std::string shape_name(const ::testing::TestParamInfo<NamedShape>& info) {
  return std::string(info.param.name);
}

}  // namespace microgpt
