// What the tests of generation share: models with a tokenizer, and text drawn by the formulas.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_file.hpp"
#include "microgpt/generation.hpp"
#include "model/tiny_model.hpp"

namespace microgpt {

/// A model of as many characters as `characters` has, and a generator of its text.
template <class Scalar>
class Writer {
 public:
  explicit Writer(std::u32string_view characters = U"abcdefé𝄞", std::int64_t block_size = 6)
      : tokenizer(Tokenizer::of_text(characters)),
        model({.vocab_size = tokenizer.vocab_size(),
               .n_layer = 2,
               .n_embd = 8,
               .n_head = 2,
               .block_size = block_size,
               .activation = Activation::gelu}),
        state(without_moments(model)),
        generator(model.shape, state, tokenizer) {}

  /// What the generator writes behind `prompt` from a seed.
  std::string write(const SampleOptions& options, std::uint64_t seed,
                    std::span<const Token> prompt = {}) {
    PythonRandom random(seed);
    return generator.sample(prompt, options, random);
  }

  Tokenizer tokenizer;
  TinyModel<Scalar> model;
  AnyModelState state;
  Generator generator;

 private:
  static ModelState<Scalar> without_moments(TinyModel<Scalar>& model) {
    ModelState<Scalar> state(ParameterLayout(model.shape), 0);
    std::ranges::copy(model.parameters.values(), state.parameters.values().begin());
    return state;
  }
};

/// The same by the formulas: each time a whole forward over BOS, the prompt and what was drawn, of
/// which the last block_size tokens are seen, at positions 0, 1, 2 …
inline std::string write_plainly(const PlainTransformer& model, const ModelShape& shape,
                                 const Tokenizer& tokenizer, const SampleOptions& options,
                                 std::uint64_t seed, std::span<const Token> prompt = {}) {
  PythonRandom random(seed);
  std::vector<Token> context{tokenizer.bos()};
  context.insert(context.end(), prompt.begin(), prompt.end());
  std::u32string text;
  while (std::ssize(text) < options.max_length) {
    const auto seen = std::min(context.size(), static_cast<std::size_t>(shape.block_size));
    auto logits = model.logits(std::span(context).last(seen)).back();
    if (!options.stop_at_bos) logits.pop_back();
    const Exact largest = *std::ranges::max_element(logits);
    std::vector<double> weights;
    for (const Exact logit : logits) {
      weights.push_back(static_cast<double>(std::exp((logit - largest) / options.temperature)));
    }
    const auto token = static_cast<Token>(random.choose(weights));
    if (token == tokenizer.bos()) break;
    context.push_back(token);
    text += tokenizer.decode(token);
  }
  return to_utf8(text);
}

/// Characters of UTF-8 text.
inline std::int64_t length_of(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char byte) { return (byte & 0xc0) != 0x80; });
}

}  // namespace microgpt
