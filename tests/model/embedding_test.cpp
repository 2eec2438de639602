// The embeddings of tokens and places, and where their gradients go.
#include "model/embedding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

// Widths around those of vectors, that fill several or none.
constexpr std::array<std::int64_t, 14> kWidths{1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 50};

constexpr ModelShape shape_of(std::int64_t width) {
  return {.vocab_size = 6, .n_layer = 1, .n_embd = width, .n_head = 1, .block_size = 9};
}

template <class Scalar>
class EmbeddingTest : public ::testing::Test {
 protected:
  static constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();

  // Calls body(model, activations) for each width and many numbers of positions.
  template <class Body>
  static void for_pieces(Body&& body) {
    for (const std::int64_t width : kWidths) {
      const TinyModel<Scalar> model(shape_of(width));
      for (int count = 1; count <= 12; ++count) {
        const RaggedDocuments documents(model.shape, count);
        Activations<Scalar> activations(model.shape, documents.all().positions());
        activations.set_piece(documents.all());
        body(model, activations);
      }
    }
  }

  // embed_backward into a block that holds `before`, against the sums of its formula.
  static void expect_sums(Gradient mode, Scalar before) {
    for_pieces([&](const TinyModel<Scalar>& model, Activations<Scalar>& activations) {
      const auto from = random_gradient(activations);
      std::vector<Scalar> block(model.parameters.size(), before);
      embed_backward<Scalar>(from, activations, mode, Weights<Scalar>(model.shape, block.data()));

      std::vector<Exact> sums(block.size(), mode == Gradient::add ? before : Scalar{0});
      const std::int64_t wpe = model.shape.vocab_size * from.rows;  // wte lies in front of it
      for (Index p = 0; p < activations.positions(); ++p) {
        const Token token = activations.tokens()[static_cast<std::size_t>(p)];
        const auto place = static_cast<Index>(activations.packed().place[p]);
        for (Index i = 0; i < from.rows; ++i) {
          sums[static_cast<std::size_t>(token * from.rows + i)] += from.row(i)[p];
          sums[static_cast<std::size_t>(wpe + place * from.rows + i)] += from.row(i)[p];
        }
      }
      const auto embeddings = static_cast<std::size_t>(wpe + model.shape.block_size * from.rows);
      const Exact tolerance =
          40 * Exact{std::numeric_limits<Scalar>::epsilon()} * (mode == Gradient::add ? 7 : 1);
      for (std::size_t i = 0; i < embeddings; ++i) {
        EXPECT_LE(std::abs(block[i] - sums[i]), tolerance)
            << "element " << i << ", width " << from.rows << ", " << activations.positions();
      }
      // Nothing else is written.
      for (std::size_t i = embeddings; i < block.size(); ++i) {
        EXPECT_TRUE(block[i] == before || (std::isnan(before) && std::isnan(block[i]))) << i;
      }
    });
  }

 private:
  // Numbers of no meaning behind the last position.
  static Matrix<Scalar> random_gradient(const Activations<Scalar>& activations) {
    const auto gradient = activations.d_residual();
    PythonRandom random(5);
    for (Index i = 0; i < gradient.rows; ++i) {
      for (Index p = 0; p < gradient.cols; ++p) {
        gradient.row(i)[p] =
            p < activations.positions() ? static_cast<Scalar>(random.gauss(0, 1)) : Scalar{1000};
      }
    }
    return gradient;
  }
};

using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(EmbeddingTest, Scalars);

TYPED_TEST(EmbeddingTest, AddsThoseOfTokenAndPlace) {
  this->for_pieces([&](const TinyModel<TypeParam>& model, Activations<TypeParam>& activations) {
    const auto embedded = activations.embedded();
    std::fill_n(embedded.data, embedded.rows * embedded.stride, this->kNan);
    embed<TypeParam>(model.weights, activations);
    for (Index p = 0; p < activations.positions(); ++p) {
      const Token token = activations.tokens()[static_cast<std::size_t>(p)];
      const auto place = static_cast<Index>(activations.packed().place[p]);
      for (Index i = 0; i < embedded.rows; ++i) {
        EXPECT_EQ(embedded.row(i)[p],
                  model.weights.wte.row(token)[i] + model.weights.wpe.row(place)[i])
            << "position " << p << ", feature " << i << " of " << embedded.rows;
      }
    }
    for (Index p = activations.positions(); p < embedded.cols; ++p) {
      for (Index i = 0; i < embedded.rows; ++i) EXPECT_EQ(embedded.row(i)[p], 0);
    }
  });
}

TYPED_TEST(EmbeddingTest, GivesEachTokenAndPlaceTheSumOfItsGradients) {
  for (const TypeParam before : {TypeParam{0}, TypeParam{7}, this->kNan}) {
    this->expect_sums(Gradient::replace, before);
  }
}

TYPED_TEST(EmbeddingTest, AddsThemToWhatIsThere) {
  for (const TypeParam before : {TypeParam{0}, TypeParam{7}}) {
    this->expect_sums(Gradient::add, before);
  }
}

}  // namespace
}  // namespace microgpt
