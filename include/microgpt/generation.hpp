// Drawing text from a model, one character after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "microgpt/model.hpp"
#include "microgpt/random.hpp"
#include "microgpt/tokenizer.hpp"

namespace microgpt {

struct SampleOptions {
  double temperature = 0.5;     ///< logits are divided by it; above 0
  std::int64_t max_length = 0;  ///< characters to draw at most
  bool stop_at_bos = true;      ///< false: BOS is never drawn, and max_length is reached
};

class Generator {
 public:
  /// `state` outlives the generator.
  Generator(const ModelShape& shape, const AnyModelState& state, const Tokenizer& tokenizer);
  ~Generator();
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;

  /// Continues BOS and `prompt`; returns what was drawn, without the prompt, in UTF-8. Up to
  /// block_size characters of context are kept in a KV cache; beyond, the window slides: the model
  /// reads the last block_size tokens anew, since their positions have changed.
  /// Draws with random.choices over softmax(logits / temperature), as microgpt.py does.
  /// Throws RunError where the model's logits are not finite.
  [[nodiscard]] std::string sample(std::span<const Token> prompt, const SampleOptions& options,
                                   PythonRandom& random);

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace microgpt
