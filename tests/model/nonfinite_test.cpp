// A parameter that is not a number shows in the loss: no kernel on the way may swallow it.
#include <gtest/gtest.h>

#include <limits>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

class NonfiniteTest : public EachShape {
 protected:
  // Losses of four documents once every element of a tensor is `value`.
  template <class Scalar>
  std::vector<double> losses_with(const TensorSpec& tensor, Scalar value) const {
    TinyModel<Scalar> model(shape());
    std::ranges::fill(model.parameters.values().subspan(static_cast<std::size_t>(tensor.offset),
                                                        static_cast<std::size_t>(tensor.size())),
                      value);
    model.transposed.refresh_all();
    return model.losses(RaggedDocuments(shape(), 4).all());
  }
};

TEST_P(NonfiniteTest, ParametersShowInEveryLoss) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const ParameterLayout layout(shape());
  for (const TensorSpec& tensor : layout.tensors()) {
    for (const float value : {nan, -nan, infinity}) {
      for (const double loss : losses_with<float>(tensor, value)) {
        EXPECT_FALSE(std::isfinite(loss)) << tensor.name << " of " << value;
      }
      for (const double loss : losses_with<double>(tensor, value)) {
        EXPECT_FALSE(std::isfinite(loss)) << tensor.name << " of " << value;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, NonfiniteTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
