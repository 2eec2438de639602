// A gradient replaces what its buffer holds, or joins it.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tiny_model.hpp"
#include "training/lane_tree.hpp"

namespace microgpt {
namespace {

class GradientModeTest : public EachShape {
 protected:
  // The gradient of a piece, by `mode` in a buffer that holds `before` everywhere.
  template <class Scalar>
  static std::vector<Scalar> gradient_over(const TinyModel<Scalar>& model,
                                           const PackedDocuments& piece, Scalar before,
                                           Gradient mode) {
    std::vector<Scalar> gradient(model.parameters.size(), before);
    std::vector<double> losses(piece.documents.size());
    Activations<Scalar> activations(model.shape, piece.positions());
    forward<Scalar>(model.view(), piece, activations);
    backward<Scalar>(model.view(), piece, 1, activations, losses,
                     Weights<Scalar>(model.shape, gradient.data()), mode);
    return gradient;
  }

  template <class Scalar>
  void expect_replaced() const {
    const TinyModel<Scalar> model(shape());
    const RaggedDocuments documents(shape(), 5);
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const auto over_zeros = gradient_over<Scalar>(model, documents.all(), 0, Gradient::replace);
    for (const Scalar before : {Scalar{10}, nan}) {
      EXPECT_EQ(gradient_over<Scalar>(model, documents.all(), before, Gradient::replace),
                over_zeros)
          << before;
    }
    // Starting from zeros, a sum is what it is alone.
    EXPECT_EQ(gradient_over<Scalar>(model, documents.all(), 0, Gradient::add), over_zeros);
  }
};

TEST_P(GradientModeTest, ReplacesWhatIsThere) {
  expect_replaced<double>();
  expect_replaced<float>();
}

TEST_P(GradientModeTest, AddsToWhatIsThere) {
  const TinyModel<double> model(shape());
  const RaggedDocuments documents(shape(), 5);
  const auto once = model.gradient(documents.all()).gradient;
  const auto added = gradient_over<double>(model, documents.all(), 10, Gradient::add);
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_NEAR(added[i], 10 + once[i], 1e-13 * (10 + std::abs(once[i]))) << "parameter " << i;
  }
}

// The gradients of the parts of a piece are summed apart: bit for bit, they are those of as many
// pieces, which are added two by two.
TEST_P(GradientModeTest, AddsTheGradientsOfParts) {
  const TinyModel<float> model(shape());
  const RaggedDocuments documents(shape(), 6);
  for (const std::vector<std::size_t>& counts : std::vector<std::vector<std::size_t>>{
           {1, 5}, {2, 4}, {3, 3}, {5, 1}, {1, 1, 1, 3}, {2, 1, 2, 1}, {1, 3, 1, 1}}) {
    const auto parts = documents.parts(counts);
    test::Gradients<float> apart;
    for (const auto& part : parts) {
      apart.push_back(model.gradient({documents.stream, part}).gradient);
    }
    const auto sum = test::tree_sum(apart, {0, static_cast<int>(apart.size())});
    const PackedDocuments piece{documents.stream, documents.documents, parts};
    EXPECT_EQ(model.gradient(piece).gradient, sum) << ::testing::PrintToString(counts);
    // And such a piece joins another.
    const auto added = gradient_over<float>(model, piece, 3, Gradient::add);
    for (std::size_t i = 0; i < added.size(); ++i) {
      EXPECT_NEAR(added[i], 3 + sum[i], 1e-5 * (3 + std::abs(sum[i])))
          << "parameter " << i << ", " << ::testing::PrintToString(counts);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GradientModeTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
