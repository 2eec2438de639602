// One position at a time gives what all at once give.
#include "generation/decoder.hpp"

#include <gtest/gtest.h>

#include "model/tiny_model.hpp"

namespace microgpt {
namespace {

class DecoderTest : public EachShape {
 protected:
  // Feeds documents one after the other and holds the logits of each position against those of
  // forward over the whole document.
  template <class Scalar>
  void expect_logits_of_forward(double tolerance) const {
    const TinyModel<Scalar> model(shape());
    const RaggedDocuments documents(shape(), 6);
    Activations<Scalar> activations(shape(), shape().block_size);
    const TransposedWeights<Scalar> transposed(model.shape, model.weights);
    Decoder<Scalar> decoder(model.shape, model.weights, transposed);
    for (std::size_t d = 0; d < documents.documents.size(); ++d) {
      const Document& document = documents.documents[d];
      forward<Scalar>(model.view(), documents.one(d), activations);
      const auto expected = activations.logits();
      decoder.reset();
      for (Index t = 0; t < document.length; ++t) {
        EXPECT_EQ(decoder.position(), t);
        const auto logits = decoder.feed(documents.tokens(document)[static_cast<std::size_t>(t)]);
        ASSERT_EQ(std::ssize(logits), shape().vocab_size);
        for (std::size_t i = 0; i < logits.size(); ++i) {
          EXPECT_NEAR(logits[i], expected.row(static_cast<Index>(i))[t], tolerance)
              << "document " << d << ", position " << t << ", logit " << i;
        }
      }
    }
  }
};

TEST_P(DecoderTest, HasTheLogitsOfForward) { expect_logits_of_forward<double>(1e-12); }

TEST_P(DecoderTest, HasTheLogitsOfForwardInFloat) { expect_logits_of_forward<float>(1e-4); }

INSTANTIATE_TEST_SUITE_P(Shapes, DecoderTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
