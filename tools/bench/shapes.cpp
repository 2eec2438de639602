#include "shapes.hpp"

#include <algorithm>
#include <random>

#include "microgpt/error.hpp"

namespace microgpt::bench {
namespace {

constexpr std::int64_t kNameCharacters = 27;
constexpr std::int64_t kTextCharacters = 65;

Shape names_shape(std::string name, std::int64_t n_embd, std::int64_t block_size,
                  std::int64_t batch_size) {
  return {.name = std::move(name),
          .model = {.vocab_size = kNameCharacters,
                    .n_layer = 1,
                    .n_embd = n_embd,
                    .n_head = 4,
                    .block_size = block_size,
                    .activation = Activation::relu_squared},
          .batch_size = batch_size,
          .names = true};
}

Shape text_shape(std::string name, std::int64_t n_layer, std::int64_t n_embd, std::int64_t n_head,
                 std::int64_t block_size, std::int64_t batch_size) {
  return {.name = std::move(name),
          .model = {.vocab_size = kTextCharacters,
                    .n_layer = n_layer,
                    .n_embd = n_embd,
                    .n_head = n_head,
                    .block_size = block_size,
                    .activation = Activation::gelu},
          .batch_size = batch_size,
          .names = false};
}

}  // namespace

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      names_shape("A", 16, 8, 8),         names_shape("A1", 16, 8, 1),
      names_shape("B", 16, 16, 16),       names_shape("C", 32, 16, 64),
      names_shape("D", 64, 16, 16),       names_shape("E", 128, 16, 16),
      text_shape("F", 4, 128, 4, 64, 12), text_shape("G", 6, 384, 6, 256, 8)};
  return all;
}

const Shape& shape_named(std::string_view name) {
  const auto found = std::ranges::find(shapes(), name, &Shape::name);
  if (found == shapes().end()) {
    throw InputError("--shapes: there is no shape \"" + std::string(name) +
                     "\"; choose from A, A1, B, C, D, E, F, G");
  }
  return *found;
}

double flops_per_token(const ModelShape& model) {
  return 6.0 * static_cast<double>(12 * model.n_layer * model.n_embd * model.n_embd +
                                   model.n_embd * model.vocab_size);
}

Documents make_documents(const Shape& shape, const std::string& names_file) {
  Documents made;
  if (shape.names) {
    const auto names = Dataset::load(names_file, DocumentMode::lines, shape.model.block_size);
    if (names.tokenizer().vocab_size() != shape.model.vocab_size) {
      throw InputError(names_file +
                       ": has other characters than a to z; give --names another file");
    }
    PythonRandom random(42);
    made.stream.assign(names.stream().begin(), names.stream().end());
    made.documents = split_documents(names.documents(), DocumentMode::lines, 0.0, random).training;
    return made;
  }
  constexpr std::int64_t kWindows = 256;
  std::mt19937 random(42);
  std::uniform_int_distribution<Token> token(0, static_cast<Token>(shape.model.vocab_size) - 1);
  const std::int64_t length = shape.model.block_size;
  for (std::int64_t i = 0; i <= kWindows * length; ++i) made.stream.push_back(token(random));
  for (std::int64_t w = 0; w < kWindows; ++w) {
    made.documents.push_back({.offset = w * length, .length = length});
  }
  return made;
}

}  // namespace microgpt::bench
