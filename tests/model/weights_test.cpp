// The views of a block of parameters, and their transposed copies.
#include "model/weights.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tiny_model.hpp"

namespace microgpt {
namespace {

TEST(WeightsTest, LieWhereTheLayoutSays) {
  const TinyModel<double> model({5, 2, 6, 3, 7});
  const auto& weights = model.weights;
  std::map<std::string, const double*> views{
      {"wte", weights.wte.data}, {"wpe", weights.wpe.data}, {"lm_head", weights.lm_head.data}};
  for (std::size_t l = 0; l < weights.layers.size(); ++l) {
    const auto& layer = weights.layers[l];
    const std::string prefix = "layer" + std::to_string(l) + ".";
    views[prefix + "attn_wq"] = layer.attn_wqkv.row(0);
    views[prefix + "attn_wk"] = layer.attn_wqkv.row(6);
    views[prefix + "attn_wv"] = layer.attn_wqkv.row(12);
    views[prefix + "attn_wo"] = layer.attn_wo.data;
    views[prefix + "mlp_fc1"] = layer.mlp_fc1.data;
    views[prefix + "mlp_fc2"] = layer.mlp_fc2.data;
  }
  for (const TensorSpec& tensor : model.layout.tensors()) {
    ASSERT_TRUE(views.contains(tensor.name)) << tensor.name;
    EXPECT_EQ(views[tensor.name] - model.parameters.data(), tensor.offset) << tensor.name;
  }
  EXPECT_EQ(views.size(), model.layout.tensors().size());
}

void expect_transposed(Matrix<const double> original, Matrix<const double> copy) {
  ASSERT_EQ(copy.rows, original.cols);
  ASSERT_EQ(copy.cols, original.rows);
  for (Index r = 0; r < original.rows; ++r) {
    for (Index c = 0; c < original.cols; ++c) ASSERT_EQ(copy.row(c)[r], original.row(r)[c]);
  }
}

// 72 characters and a width of 20 take more than one piece to copy.
TEST(TransposedWeightsTest, AreWhatTheyCopyOnceAllPiecesAreRefreshed) {
  TinyModel<double> model({72, 2, 20, 4, 3});
  for (double& parameter : model.parameters.values()) parameter += 1;
  for (std::size_t piece = model.transposed.pieces(); piece > 0; --piece) {
    model.transposed.refresh(piece - 1);
  }
  expect_transposed(model.weights.lm_head, model.transposed.lm_head());
  for (std::size_t l = 0; l < 2; ++l) {
    const auto& original = model.weights.layers[l];
    const auto& copy = model.transposed.layer(l);
    expect_transposed(original.attn_wqkv, copy.attn_wqkv);
    expect_transposed(original.attn_wo, copy.attn_wo);
    expect_transposed(original.mlp_fc1, copy.mlp_fc1);
    expect_transposed(original.mlp_fc2, copy.mlp_fc2);
  }
}

}  // namespace
}  // namespace microgpt
