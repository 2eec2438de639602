// One character after the other: the softmax of the logits, a draw, and the window that slides on.
#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>
#include <vector>

#include "data/text_file.hpp"
#include "generation/decoder.hpp"
#include "kernels/row_functions.hpp"
#include "kernels/simd.hpp"
#include "microgpt/error.hpp"
#include "microgpt/generation.hpp"
#include "model/activations.hpp"
#include "model/transformer.hpp"

namespace microgpt {
namespace {

// softmax(logits / temperature), in double whatever the model's precision. `out` has room for whole
// vectors. Throws RunError where a logit is +∞ or not a number, and so is the sum.
template <class Scalar>
void probabilities(std::span<const Scalar> logits, double temperature, double* out) {
  std::ranges::copy(logits, out);
  constexpr double kMost = std::numeric_limits<double>::max();
  kernels::softmax_row(out, std::ssize(logits), std::min(1 / temperature, kMost));
  if (!std::isfinite(out[0])) {
    throw RunError(
        "the model's logits are not finite, so there is nothing to draw from: its "
        "parameters are too large; train with a lower learning_rate");
  }
}

// Logits for the token behind a context that grows by one token at a time.
template <class Scalar>
class ContextReader {
 public:
  ContextReader(const ModelShape& shape, std::span<const Scalar> parameters)
      : shape_(shape),
        weights_(shape_, parameters.data()),
        transposed_(shape_, weights_),
        decoder_(shape_, weights_, transposed_),
        last_logits_(static_cast<std::size_t>(shape.vocab_size)) {}

  void reset() { decoder_.reset(); }

  // `context` ends with the new tokens; the first ones may have been read before.
  std::span<const Scalar> read(std::span<const Token> context) {
    if (std::ssize(context) > shape_.block_size) return read_window(context);
    std::span<const Scalar> logits;
    while (decoder_.position() < std::ssize(context)) {
      logits = decoder_.feed(context[static_cast<std::size_t>(decoder_.position())]);
    }
    return logits;
  }

 private:
  std::span<const Scalar> read_window(std::span<const Token> context) {
    if (!activations_) {
      activations_ = std::make_unique<Activations<Scalar>>(shape_, shape_.block_size);
    }
    // Every position of a document has a target; nobody asks for that of the last one here.
    window_.assign(context.end() - shape_.block_size, context.end());
    window_.push_back(Token{0});
    const Document window{.offset = 0, .length = shape_.block_size};
    forward<Scalar>({shape_, weights_}, {window_, {&window, 1}}, *activations_);
    // Logits are characters x positions; those of the last position are asked for.
    const auto logits = activations_->logits();
    for (std::size_t v = 0; v < last_logits_.size(); ++v) {
      last_logits_[v] = logits.row(static_cast<Index>(v))[shape_.block_size - 1];
    }
    return last_logits_;
  }

  ModelShape shape_;
  Weights<const Scalar> weights_;
  TransposedWeights<Scalar> transposed_;
  Decoder<Scalar> decoder_;
  std::unique_ptr<Activations<Scalar>> activations_;  // made when the window slides first
  std::vector<Token> window_;
  std::vector<Scalar> last_logits_;
};

using AnyReader =
    std::variant<std::unique_ptr<ContextReader<float>>, std::unique_ptr<ContextReader<double>>>;

}  // namespace

struct Generator::Model {
  AnyReader reader;
  Tokenizer tokenizer;
  std::vector<Token> context;
  AlignedBuffer<double> probabilities;
};

Generator::Generator(const ModelShape& shape, const AnyModelState& state,
                     const Tokenizer& tokenizer)
    : model_(std::make_unique<Model>(
          Model{.reader = {},
                .tokenizer = tokenizer,
                .context = {},
                .probabilities = AlignedBuffer<double>(
                    static_cast<std::size_t>(kernels::padded<double>(shape.vocab_size)))})) {
  std::visit(
      [&]<class Scalar>(const ModelState<Scalar>& model) {
        using Reader = ContextReader<Scalar>;
        model_->reader.template emplace<std::unique_ptr<Reader>>(
            std::make_unique<Reader>(shape, model.parameters.values()));
      },
      state);
}

Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;

std::string Generator::sample(std::span<const Token> prompt, const SampleOptions& options,
                              PythonRandom& random) {
  Model& model = *model_;
  model.context.assign(1, model.tokenizer.bos());
  model.context.insert(model.context.end(), prompt.begin(), prompt.end());
  std::u32string drawn;
  std::visit(
      [&](auto& reader) {
        reader->reset();
        while (std::ssize(drawn) < options.max_length) {
          const auto logits = reader->read(model.context);
          // BOS is the last token: without it, the others share all of the probability.
          const std::size_t choices = logits.size() - (options.stop_at_bos ? 0 : 1);
          const auto weights = model.probabilities.values().first(choices);
          probabilities(logits.first(choices), options.temperature, weights.data());
          const auto token = static_cast<Token>(random.choose(weights));
          if (token == model.tokenizer.bos()) break;
          model.context.push_back(token);
          drawn.push_back(model.tokenizer.decode(token));
        }
      },
      model.reader);
  return to_utf8(drawn);
}

}  // namespace microgpt
