// float32 stays close to float64.
#include <gtest/gtest.h>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

class PrecisionTest : public EachShape {
 protected:
  PrecisionTest() {
    // The same parameters in both, those of float32.
    std::ranges::copy(in_float_.parameters.values(), in_double_.parameters.data());
  }

  TinyModel<float> in_float_{shape()};
  TinyModel<double> in_double_{shape()};
  RaggedDocuments documents_{shape(), 10};
};

TEST_P(PrecisionTest, OfFloatGivesTheLossesOfDouble) {
  const auto losses = in_float_.losses(documents_.all());
  const auto expected = in_double_.losses(documents_.all());
  for (std::size_t d = 0; d < losses.size(); ++d) {
    EXPECT_NEAR(losses[d], expected[d], 3e-6 * (1 + expected[d])) << "document " << d;
  }
}

// Of each tensor, relative to its largest element.
TEST_P(PrecisionTest, OfFloatGivesTheGradientOfDouble) {
  const auto gradient = in_float_.gradient(documents_.all()).gradient;
  const auto expected = in_double_.gradient(documents_.all()).gradient;
  for (const TensorSpec& tensor : in_double_.layout.tensors()) {
    double largest = 0, error = 0;
    for (std::int64_t i = tensor.offset; i < tensor.offset + tensor.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      largest = std::max(largest, std::abs(expected[at]));
      error = std::max(error, std::abs(gradient[at] - expected[at]));
    }
    EXPECT_LE(error, 1e-5 * largest + 1e-7) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PrecisionTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
