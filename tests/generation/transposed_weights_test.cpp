// Copies of the weights with rows and columns exchanged.
#include "generation/transposed_weights.hpp"

#include <gtest/gtest.h>

#include "kernels/simd.hpp"
#include "model/tiny_model.hpp"

namespace microgpt {
namespace {

template <class Scalar>
void expect_transposed(Matrix<const Scalar> original, Matrix<const Scalar> copy) {
  ASSERT_EQ(copy.rows, original.cols);
  ASSERT_EQ(copy.cols, original.rows);
  EXPECT_GE(copy.stride, kernels::padded<Scalar>(copy.cols));
  for (Index r = 0; r < original.rows; ++r) {
    for (Index c = 0; c < original.cols; ++c) ASSERT_EQ(copy.row(c)[r], original.row(r)[c]);
  }
}

template <class Scalar>
void expect_all_transposed(const TinyModel<Scalar>& model,
                           const TransposedWeights<Scalar>& transposed) {
  expect_transposed<Scalar>(model.weights.lm_head, transposed.lm_head());
  for (std::size_t l = 0; l < model.weights.layers.size(); ++l) {
    const auto& original = model.weights.layers[l];
    const auto& copy = transposed.layer(l);
    expect_transposed<Scalar>(original.attn_wqkv, copy.attn_wqkv);
    expect_transposed<Scalar>(original.attn_wo, copy.attn_wo);
    expect_transposed<Scalar>(original.mlp_fc1, copy.mlp_fc1);
    expect_transposed<Scalar>(original.mlp_fc2, copy.mlp_fc2);
  }
}

class TransposedWeightsTest : public EachShape {};

TEST_P(TransposedWeightsTest, AreWhatTheyCopy) {
  const TinyModel<float> in_float(shape());
  expect_all_transposed(in_float, TransposedWeights<float>(in_float.shape, in_float.weights));
  const TinyModel<double> in_double(shape());
  expect_all_transposed(in_double, TransposedWeights<double>(in_double.shape, in_double.weights));
}

TEST_P(TransposedWeightsTest, AreCopiedAsTheyAreWhenAskedFor) {
  TinyModel<double> model(shape());
  for (double& parameter : model.parameters.values()) parameter += 1;
  const TransposedWeights<double> transposed(model.shape, model.weights);
  expect_all_transposed(model, transposed);
  const double before = transposed.lm_head().data[0];
  for (double& parameter : model.parameters.values()) parameter += 1;
  EXPECT_EQ(transposed.lm_head().data[0], before);
}

INSTANTIATE_TEST_SUITE_P(Shapes, TransposedWeightsTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
