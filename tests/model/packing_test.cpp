// Documents that are packed together do not see each other, wherever they lie.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

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

  // The last of twenty documents behind ever fewer of the others.
  template <class Scalar>
  void expect_equal_losses_at_any_offset() const {
    const TinyModel<Scalar> model(shape());
    const RaggedDocuments documents(shape(), 20);
    const double alone = model.losses(documents.one(19))[0];
    for (std::size_t first = 0; first < 19; ++first) {
      EXPECT_EQ(model.losses(documents.some(first, 20 - first)).back(), alone)
          << "from document " << first;
    }
  }

  // A worker uses the same memory for one piece after the other, and has room to spare.
  template <class Scalar>
  void expect_nothing_of_the_piece_before() const {
    const TinyModel<Scalar> model(shape());
    const RaggedDocuments documents(shape(), 9);
    Activations<Scalar> activations(shape(), documents.all().positions() + 13);
    for (const std::size_t d : {0U, 1U, 2U, 5U, 8U, 3U}) {
      std::vector<Scalar> gradient(model.parameters.size());
      std::vector<double> many(9), one(1);
      const Weights<Scalar> views(shape(), gradient.data());
      forward<Scalar>(model.view(), documents.all(), activations);
      backward<Scalar>(model.view(), documents.all(), 1, activations, many, views,
                       Gradient::replace);
      forward<Scalar>(model.view(), documents.one(d), activations);
      backward<Scalar>(model.view(), documents.one(d), 1, activations, one, views,
                       Gradient::replace);

      const auto fresh = model.gradient(documents.one(d));
      EXPECT_EQ(one, fresh.losses) << "document " << d;
      EXPECT_EQ(gradient, fresh.gradient) << "document " << d;
    }
  }
};

// Bit for bit, so that work may be cut anywhere.
TEST_P(PackingTest, GivesEachDocumentTheLossThatItHasAlone) {
  expect_equal_losses<double>();
  expect_equal_losses<float>();
}

TEST_P(PackingTest, GivesADocumentTheSameLossAtAnyOffset) {
  expect_equal_losses_at_any_offset<double>();
  expect_equal_losses_at_any_offset<float>();
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

TEST_P(PackingTest, IgnoresWhatThePieceBeforeLeft) {
  expect_nothing_of_the_piece_before<double>();
  expect_nothing_of_the_piece_before<float>();
}

INSTANTIATE_TEST_SUITE_P(Shapes, PackingTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
