// Logits and losses against the model's formulas.
#include <gtest/gtest.h>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

class ForwardTest : public EachShape {
 protected:
  // Holds the logits of ten packed documents against the formulas; `tolerance` is relative to the
  // largest.
  template <class Scalar>
  void expect_logits(Exact tolerance) const {
    const TinyModel<Scalar> model(shape());
    const PlainTransformer plain = model.plain();
    const RaggedDocuments documents(shape(), 10);
    const PackedDocuments piece = documents.all();
    Activations<Scalar> activations(shape(), piece.positions());
    forward<Scalar>(model.view(), piece, activations);

    const auto logits = activations.logits();
    Index position = 0;
    for (const Document& document : documents.documents) {
      const auto tokens = documents.tokens(document);
      for (const auto& expected : plain.logits(tokens.first(tokens.size() - 1))) {
        ASSERT_EQ(std::ssize(expected), logits.rows);
        for (Index i = 0; i < logits.rows; ++i) {
          const Exact logit = expected[static_cast<std::size_t>(i)];
          EXPECT_LE(std::abs(logits.row(i)[position] - logit), tolerance * (1 + std::abs(logit)))
              << "position " << position << ", logit " << i;
        }
        ++position;
      }
    }
    EXPECT_EQ(position, activations.positions());
  }
};

TEST_P(ForwardTest, HasTheLogitsOfTheFormulas) { expect_logits<double>(1e-13L); }

TEST_P(ForwardTest, HasTheLogitsOfTheFormulasInFloat) { expect_logits<float>(3e-5L); }

TEST_P(ForwardTest, HasTheLossesOfTheFormulas) {
  const TinyModel<double> model(shape());
  const PlainTransformer plain = model.plain();
  const RaggedDocuments documents(shape(), 10);
  const auto losses = model.losses(documents.all());
  for (std::size_t d = 0; d < losses.size(); ++d) {
    const Exact expected = plain.loss(documents.tokens(documents.documents[d]));
    EXPECT_LE(std::abs(losses[d] - expected), 1e-13L * expected) << "document " << d;
  }
}

// With parameters of zero every token is as probable as any other.
TEST_P(ForwardTest, StartsAtTheLogarithmOfTheVocabulary) {
  TinyModel<double> model(shape());
  std::ranges::fill(model.parameters.values(), 0.0);
  const RaggedDocuments documents(shape(), 4);
  for (const double loss : model.losses(documents.all())) {
    EXPECT_NEAR(loss, std::log(static_cast<double>(shape().vocab_size)), 1e-14);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ForwardTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
