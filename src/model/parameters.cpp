// The list of tensors: names, shapes, and where each lies in the one block of parameters.
#include <fmt/format.h>

#include "microgpt/error.hpp"
#include "microgpt/model.hpp"

namespace microgpt {

ModelShape model_shape(const Config& config, std::int64_t vocab_size) {
  return {.vocab_size = vocab_size,
          .n_layer = config.n_layer,
          .n_embd = config.n_embd,
          .n_head = config.n_head,
          .block_size = config.block_size,
          .activation = config.activation};
}

ParameterLayout::ParameterLayout(const ModelShape& shape) {
  const auto append = [this](std::string name, std::int64_t rows, std::int64_t cols) {
    std::int64_t count = 0;
    if (__builtin_mul_overflow(rows, cols, &count) ||
        __builtin_add_overflow(count, size_, &count)) {
      throw InputError("n_layer, n_embd: the model has more parameters than any memory can hold");
    }
    tensors_.push_back({.name = std::move(name), .rows = rows, .cols = cols, .offset = size_});
    size_ = count;
  };

  const std::int64_t n_embd = shape.n_embd;
  append("wte", shape.vocab_size, n_embd);
  append("wpe", shape.block_size, n_embd);
  append("lm_head", shape.vocab_size, n_embd);
  for (std::int64_t layer = 0; layer < shape.n_layer; ++layer) {
    const auto name = [layer](std::string_view part) {
      return fmt::format("layer{}.{}", layer, part);
    };
    append(name("attn_wq"), n_embd, n_embd);
    append(name("attn_wk"), n_embd, n_embd);
    append(name("attn_wv"), n_embd, n_embd);
    append(name("attn_wo"), n_embd, n_embd);
    append(name("mlp_fc1"), shape.mlp_width(), n_embd);
    append(name("mlp_fc2"), n_embd, shape.mlp_width());
  }
}

}  // namespace microgpt
