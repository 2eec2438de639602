// Documents that are packed together do not see each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

class PackingTest : public EachShape {
 protected:
  template <class Scalar>
  void expect_equal_losses() const {
    const TinyModel<Scalar> model(shape());
    const RaggedDocuments documents(shape(), 40);
    const auto packed = model.losses(documents.all());
    const auto with_gradient = model.gradient(documents.all()).losses;
    for (std::size_t d = 0; d < packed.size(); ++d) {
      EXPECT_EQ(packed[d], model.losses(documents.one(d))[0]) << "document " << d;
      EXPECT_EQ(packed[d], with_gradient[d]) << "document " << d;
    }
  }
};

// Bit for bit, so that work may be cut anywhere.
TEST_P(PackingTest, GivesEachDocumentTheLossThatItHasAlone) {
  expect_equal_losses<double>();
  expect_equal_losses<float>();
}

TEST_P(PackingTest, SumsTheGradientsOfTheDocuments) {
  const TinyModel<double> model(shape());
  const RaggedDocuments documents(shape(), 12);
  const auto packed = model.gradient(documents.all()).gradient;
  std::vector<double> sum(packed.size());
  for (std::size_t d = 0; d < documents.documents.size(); ++d) {
    const auto one = model.gradient(documents.one(d)).gradient;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    EXPECT_NEAR(packed[i], sum[i], 1e-13 * (1 + std::abs(sum[i]))) << "parameter " << i;
  }
}

TEST_P(PackingTest, AddsToTheGradientThatIsThere) {
  const TinyModel<double> model(shape());
  const RaggedDocuments documents(shape(), 5);
  const PackedDocuments piece = documents.all();
  const auto once = model.gradient(piece).gradient;

  std::vector<double> gradient(once.size(), 10.0), losses(piece.documents.size());
  Activations<double> activations(shape(), piece.positions());
  forward<double>(model.view(), piece, activations);
  backward<double>(model.view(), piece, 1, activations, losses,
                   Weights<double>(shape(), gradient.data()));
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_NEAR(gradient[i], 10 + once[i], 1e-13 * (10 + std::abs(once[i]))) << "parameter " << i;
  }
}

TEST_P(PackingTest, WeighsEachDocumentByTheScale) {
  const TinyModel<double> model(shape());
  const RaggedDocuments documents(shape(), 5);
  const auto whole = model.gradient(documents.all());
  const auto quarter = model.gradient(documents.all(), 0.25);  // exact: a power of two
  EXPECT_EQ(quarter.losses, whole.losses);
  for (std::size_t i = 0; i < whole.gradient.size(); ++i) {
    EXPECT_EQ(quarter.gradient[i], whole.gradient[i] / 4) << "parameter " << i;
  }
}

// A worker uses the same memory for one piece after the other, and has room to spare.
TEST_P(PackingTest, IgnoresWhatThePieceBeforeLeft) {
  const TinyModel<float> model(shape());
  const RaggedDocuments documents(shape(), 9);
  Activations<float> activations(shape(), documents.all().positions() + 13);
  for (const std::size_t d : {0U, 1U, 2U, 5U, 8U, 3U}) {
    std::vector<float> gradient(model.parameters.size());
    std::vector<double> many(9), one(1);
    forward<float>(model.view(), documents.all(), activations);
    backward<float>(model.view(), documents.all(), 1, activations, many,
                    Weights<float>(shape(), gradient.data()));
    std::ranges::fill(gradient, 0.0F);
    forward<float>(model.view(), documents.one(d), activations);
    backward<float>(model.view(), documents.one(d), 1, activations, one,
                    Weights<float>(shape(), gradient.data()));

    const auto fresh = model.gradient(documents.one(d));
    EXPECT_EQ(one, fresh.losses) << "document " << d;
    EXPECT_EQ(gradient, fresh.gradient) << "document " << d;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PackingTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
