#include "config/key_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <vector>

#include "base/printable.hpp"
#include "config/key_kinds.hpp"
#include "config/nearest.hpp"

namespace microgpt::config {
namespace {

// The upper ends are no advice: they keep slips of the keyboard out.
constexpr WholeRange kPeriod{1, 1'000'000'000'000};
constexpr WholeRange kCount{0, 1'000'000'000};
constexpr RealRange kAboveZero{.zero_allowed = false, .high = 1e6, .high_allowed = true};
constexpr RealRange kZeroOrAbove{.zero_allowed = true, .high = 1e6, .high_allowed = true};
constexpr RealRange kBelowOne{.zero_allowed = true, .high = 1.0, .high_allowed = false};
constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr auto kInt32Max = std::numeric_limits<std::int32_t>::max();
constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();

std::vector<Key> make_table() {
  using C = Config;
  return {
      file("dataset", &C::dataset, "text file, UTF-8 (required)"),
      choice("documents", &C::documents, {"lines", "text"},
             "lines: each line is a document; text: the file is one stream, cut into windows"),
      real("validation_fraction", &C::validation_fraction, kBelowOne,
           "part of the documents that is held out from training"),

      whole("n_layer", &C::n_layer, {1, 1000}, "layers"),
      whole("n_embd", &C::n_embd, {1, 65536}, "width of a position's vector"),
      whole("n_head", &C::n_head, {1, 65536}, "attention heads; divides n_embd"),
      whole("block_size", &C::block_size, {1, 1'048'576}, "most positions the model sees at once"),
      choice("activation", &C::activation, {"relu_squared", "relu", "gelu"},
             "relu_squared, relu or gelu"),
      real("init_std", &C::init_std, kZeroOrAbove, "standard deviation of the first weights"),
      on_off("zero_init_residual", &C::zero_init_residual,
             "start attn_wo and mlp_fc2 at zero, so that each layer begins as the identity"),

      whole("num_steps", &C::num_steps, kPeriod, "length of training in steps"),
      optional_whole("num_epochs", &C::num_epochs, {1, 1'000'000'000}, "",
                     "the same in passes over the documents, instead of num_steps"),
      optional_whole("batch_size", &C::batch_size, {1, kInt32Max}, "threads",
                     "documents per step; threads: one for each worker"),

      real("learning_rate", &C::learning_rate, kAboveZero, "Adam's, before the schedule"),
      choice("lr_schedule", &C::lr_schedule, {"cosine", "linear", "constant"},
             "cosine or linear, both down to 0, or constant"),
      whole("warmup_steps", &C::warmup_steps, {0, kPeriod.high},
            "steps over which the learning rate first rises"),
      real("beta1", &C::beta1, kBelowOne, "Adam's memory of gradients"),
      real("beta2", &C::beta2, kBelowOne, "Adam's memory of squared gradients"),
      real("eps_adam", &C::eps_adam, {false, 1.0, true}, "added to Adam's denominator"),
      real("weight_decay", &C::weight_decay, kZeroOrAbove, "decoupled, as in AdamW; 0: off"),
      real("grad_clip", &C::grad_clip, {true, kNoLimit, true},
           "largest global norm of the gradient; 0: off"),

      whole("seed", &C::seed, {0, kInt64Max}, "of the shuffle, the first weights and the samples"),
      choice("precision", &C::precision, {"float32", "float64"}, "float32 or float64"),

      optional_whole("log_every", &C::log_every, kPeriod, "auto",
                     "steps; auto: every step up to 1000 of them, else num_steps / 1000"),
      optional_whole("eval_every", &C::eval_every, kPeriod, "epoch",
                     "steps between evaluations, or epoch"),
      optional_whole("checkpoint_every", &C::checkpoint_every, kPeriod, "epoch",
                     "steps between checkpoints, or epoch; one is always written at the end"),
      whole("keep_checkpoints", &C::keep_checkpoints, kCount,
            "newest checkpoints to keep beside the best; 0: all"),
      whole("early_stop_patience", &C::early_stop_patience, kCount,
            "evaluations without a better val_loss before training stops; 0: off"),
      whole("num_samples", &C::num_samples, kCount, "samples drawn after training"),
      real("temperature", &C::temperature, kAboveZero, "of those samples"),
  };
}

}  // namespace

std::span<const Key> key_table() {
  static const std::vector<Key> table = make_table();
  return table;
}

const Key* find_key(std::string_view name) {
  const auto table = key_table();
  const auto found = std::ranges::find(table, name, &Key::name);
  return found == table.end() ? nullptr : &*found;
}

const Key& known_key(const Setting& setting) {
  if (const Key* key = find_key(setting.key)) return *key;
  std::vector<std::string_view> names;
  std::ranges::transform(key_table(), std::back_inserter(names), &Key::name);
  refuse(setting.place, fmt::format("unknown key '{}': did you mean '{}'?", excerpt(setting.key),
                                    nearest(setting.key, names)));
}

std::string_view rival_of(std::string_view name) {
  if (name == "num_steps") return "num_epochs";
  if (name == "num_epochs") return "num_steps";
  return {};
}

}  // namespace microgpt::config
