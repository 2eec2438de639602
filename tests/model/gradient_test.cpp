// The hand-written gradient of every parameter against the slope of the formulas' loss.
#include <gtest/gtest.h>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

// The loss that a step is trained on: each document counts `scale`.
Exact total_loss(const PlainTransformer& plain, const RaggedDocuments& documents, Exact scale) {
  Exact sum = 0;
  for (const Document& document : documents.documents) {
    sum += scale * plain.loss(documents.tokens(document));
  }
  return sum;
}

Exact slope(PlainTransformer& plain, const RaggedDocuments& documents, Exact scale,
            std::size_t parameter) {
  const Exact h = 1e-6L;
  Exact& value = plain.parameters[parameter];
  const Exact middle = value;
  value = middle + h;
  const Exact above = total_loss(plain, documents, scale);
  value = middle - h;
  const Exact below = total_loss(plain, documents, scale);
  value = middle;
  return (above - below) / (2 * h);
}

class GradientTest : public EachShape {};

// All of a small tensor, and some forty entries that lie evenly in a large one.
TEST_P(GradientTest, IsThatOfTheFormulasForEveryTensor) {
  const double scale = 0.3;
  const TinyModel<double> model(shape());
  PlainTransformer plain = model.plain();
  const RaggedDocuments documents(shape(), 5);
  const auto gradient = model.gradient(documents.all(), scale).gradient;

  for (const TensorSpec& tensor : model.layout.tensors()) {
    Exact largest = 0;
    const std::int64_t step = tensor.size() <= 150 ? 1 : tensor.size() / 40 | 1;
    for (std::int64_t i = 0; i < tensor.size(); i += step) {
      const auto parameter = static_cast<std::size_t>(tensor.offset + i);
      const Exact expected = slope(plain, documents, scale, parameter);
      EXPECT_LE(std::abs(gradient[parameter] - expected), 1e-6L * std::abs(expected) + 1e-12L)
          << tensor.name << "[" << i << "]: " << gradient[parameter] << ", not " << expected;
      largest = std::max(largest, std::abs(expected));
    }
    // Else nothing is shown; but one position attends to itself alone, whatever the score.
    const bool asks = tensor.name.ends_with(".attn_wq") || tensor.name.ends_with(".attn_wk");
    if (shape().block_size > 1 || !asks) {
      EXPECT_GT(largest, 1e-7L) << tensor.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GradientTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
