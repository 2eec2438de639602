// What is not a number shows in the loss and in the gradient: no kernel on the way may swallow it.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

class NonfiniteTest : public EachShape {
 protected:
  // A model in which every element of a tensor is `value`.
  template <class Scalar>
  struct Spoiled : TinyModel<Scalar> {
    Spoiled(const ModelShape& model_shape, const TensorSpec& tensor, Scalar value)
        : TinyModel<Scalar>(model_shape) {
      std::ranges::fill(this->parameters.values().subspan(static_cast<std::size_t>(tensor.offset),
                                                          static_cast<std::size_t>(tensor.size())),
                        value);
    }
  };

  template <class Scalar>
  void expect_shown(const TensorSpec& tensor, Scalar value) const {
    const Spoiled<Scalar> model(shape(), tensor, value);
    const RaggedDocuments documents(shape(), 4);
    for (const double loss : model.losses(documents.all())) {
      EXPECT_FALSE(std::isfinite(loss)) << tensor.name << " of " << value;
    }
    const auto [losses, gradient] = model.gradient(documents.all());
    for (const double loss : losses) {
      EXPECT_FALSE(std::isfinite(loss)) << tensor.name << " of " << value;
    }
    EXPECT_FALSE(
        std::ranges::all_of(gradient, [](Scalar element) { return std::isfinite(element); }))
        << tensor.name << " of " << value;
  }

  // The token of one place in one document has an embedding that is not a number.
  template <class Scalar>
  void expect_shown_in_its_document() const {
    RaggedDocuments documents(shape(), 7);
    const auto spoiled = static_cast<Token>(shape().vocab_size - 1);
    for (Token& token : documents.stream) token = std::min(token, spoiled - 1);
    TinyModel<Scalar> model(shape());
    std::fill_n(model.parameters.data() + spoiled * shape().n_embd, shape().n_embd,
                std::numeric_limits<Scalar>::quiet_NaN());
    for (std::size_t d = 0; d < documents.documents.size(); ++d) {
      const Document& document = documents.documents[d];
      for (Index t = 0; t < document.length; ++t) {
        Token& token = documents.stream[static_cast<std::size_t>(document.offset + t)];
        const Token before = std::exchange(token, spoiled);
        const auto losses = model.losses(documents.all());
        EXPECT_TRUE(std::isnan(losses[d])) << "document " << d << ", place " << t;
        token = before;
      }
    }
  }
};

TEST_P(NonfiniteTest, ParametersShowInEveryLossAndInTheGradient) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const ParameterLayout layout(shape());
  for (const TensorSpec& tensor : layout.tensors()) {
    for (const float value : {nan, -nan, infinity}) {
      expect_shown<float>(tensor, value);
      expect_shown<double>(tensor, value);
    }
  }
}

TEST_P(NonfiniteTest, APositionShowsInTheLossOfItsDocument) {
  expect_shown_in_its_document<float>();
  expect_shown_in_its_document<double>();
}

INSTANTIATE_TEST_SUITE_P(Shapes, NonfiniteTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
