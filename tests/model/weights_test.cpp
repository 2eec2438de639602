// The views of a block of parameters.
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

}  // namespace
}  // namespace microgpt
