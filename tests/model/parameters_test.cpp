// Which parameters a model has, and where they lie.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "microgpt/error.hpp"
#include "microgpt/model.hpp"

namespace microgpt {
namespace {

constexpr ModelShape kTutorial{
    .vocab_size = 27, .n_layer = 1, .n_embd = 16, .n_head = 4, .block_size = 8};

struct Tensor {
  std::string name;
  std::int64_t rows, cols;
  bool operator==(const Tensor&) const = default;
};

std::vector<Tensor> tensors_of(const ModelShape& shape) {
  std::vector<Tensor> tensors;
  const ParameterLayout layout(shape);
  for (const TensorSpec& spec : layout.tensors()) {
    tensors.push_back({spec.name, spec.rows, spec.cols});
  }
  return tensors;
}

TEST(ParameterLayoutTest, HasTheTutorialsModel) {
  EXPECT_EQ(tensors_of(kTutorial), (std::vector<Tensor>{{"wte", 27, 16},
                                                        {"wpe", 8, 16},
                                                        {"lm_head", 27, 16},
                                                        {"layer0.attn_wq", 16, 16},
                                                        {"layer0.attn_wk", 16, 16},
                                                        {"layer0.attn_wv", 16, 16},
                                                        {"layer0.attn_wo", 16, 16},
                                                        {"layer0.mlp_fc1", 64, 16},
                                                        {"layer0.mlp_fc2", 16, 64}}));
  EXPECT_EQ(ParameterLayout(kTutorial).size(), 4064);
}

TEST(ParameterLayoutTest, RepeatsTheLayer) {
  ModelShape shape = kTutorial;
  shape.n_layer = 12;
  const auto tensors = tensors_of(shape);
  ASSERT_EQ(tensors.size(), 3U + 12U * 6U);
  EXPECT_EQ(tensors[9], (Tensor{"layer1.attn_wq", 16, 16}));
  EXPECT_EQ(tensors.back(), (Tensor{"layer11.mlp_fc2", 16, 64}));
}

// (2 vocab + block) C + 12 layers C².
TEST(ParameterLayoutTest, CountsTheParameters) {
  struct Case {
    ModelShape shape;
    std::int64_t count;
  };
  for (const auto& [shape, count] : {
           Case{{27, 1, 16, 4, 16}, 4192},
           Case{{2, 1, 1, 1, 1}, 17},
           Case{{66, 6, 384, 6, 256}, 10765824},
           Case{{50257, 12, 768, 12, 1024}, 162915840},
       }) {
    EXPECT_EQ(ParameterLayout(shape).size(), count);
  }
}

TEST(ParameterLayoutTest, LaysTensorBehindTensor) {
  const ParameterLayout layout({5, 3, 6, 3, 7});
  std::int64_t end = 0;
  for (const TensorSpec& tensor : layout.tensors()) {
    EXPECT_EQ(tensor.offset, end) << tensor.name;
    end += tensor.rows * tensor.cols;
  }
  EXPECT_EQ(layout.size(), end);
}

TEST(ParameterLayoutTest, RefusesMoreThanCanBeCounted) {
  const std::int64_t huge = 4'000'000'000;
  for (const ModelShape& shape : {
           ModelShape{.vocab_size = 27, .n_layer = 1, .n_embd = huge, .n_head = 1, .block_size = 8},
           ModelShape{
               .vocab_size = huge, .n_layer = 1, .n_embd = huge, .n_head = 1, .block_size = 1},
           ModelShape{.vocab_size = 2,
           .n_layer = 100,
           .n_embd = 500'000'000,
           .n_head = 1,
           .block_size = 1},
       }) {
    EXPECT_THROW(ParameterLayout{shape}, InputError);
  }
}

TEST(ModelShapeTest, IsThatOfTheConfig) {
  Config config;
  config.n_layer = 3;
  config.n_embd = 24;
  config.n_head = 6;
  config.block_size = 11;
  config.activation = Activation::gelu;
  const ModelShape shape = model_shape(config, 99);
  EXPECT_EQ(shape, (ModelShape{99, 3, 24, 6, 11, Activation::gelu}));
  EXPECT_EQ(shape.head_size(), 4);
  EXPECT_EQ(shape.mlp_width(), 96);
}

}  // namespace
}  // namespace microgpt
