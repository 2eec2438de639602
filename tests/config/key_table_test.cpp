// The table of keys against the documented one.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

using Defaults = std::vector<std::pair<std::string, std::string>>;

TEST(KeyTable, HasTheDocumentedKeysAndDefaultsInOrder) {
  const Defaults documented{
      {"dataset", ""},
      {"documents", "lines"},
      {"validation_fraction", "0"},
      {"n_layer", "1"},
      {"n_embd", "16"},
      {"n_head", "4"},
      {"block_size", "8"},
      {"activation", "relu_squared"},
      {"init_std", "0.02"},
      {"zero_init_residual", "true"},
      {"num_steps", "500"},
      {"num_epochs", ""},
      {"batch_size", "8"},
      {"learning_rate", "0.01"},
      {"lr_schedule", "cosine"},
      {"warmup_steps", "0"},
      {"beta1", "0.9"},
      {"beta2", "0.95"},
      {"eps_adam", "1.0e-08"},
      {"weight_decay", "0"},
      {"grad_clip", "0"},
      {"seed", "42"},
      {"precision", "float32"},
      {"log_every", "auto"},
      {"eval_every", "epoch"},
      {"checkpoint_every", "epoch"},
      {"keep_checkpoints", "0"},
      {"early_stop_patience", "0"},
      {"num_samples", "20"},
      {"temperature", "0.5"},
  };
  Defaults described;
  for (const KeyDescription& key : describe_keys()) {
    described.emplace_back(key.name, key.default_value);
  }
  EXPECT_EQ(described, documented);
}

TEST(KeyTable, DescribesTheDefaultsOfConfig) {
  for (const KeyDescription& key : describe_keys()) {
    EXPECT_EQ(key.default_value, config_value(Config{}, key.name)) << key.name;
  }
}

TEST(KeyTable, ExplainsEachKeyInItsOwnWords) {
  std::set<std::string_view> meanings;
  for (const KeyDescription& key : describe_keys()) {
    EXPECT_FALSE(key.meaning.empty()) << key.name;
    EXPECT_TRUE(meanings.insert(key.meaning).second) << key.name;
  }
}

TEST(KeyTable, GivesEveryDefaultAsItsSourceAtFirst) {
  const SourcedConfig config = small_config("");
  EXPECT_EQ(config.sources.size(), describe_keys().size());
  for (const auto& [key, source] : config.sources) EXPECT_EQ(source, "default") << key;
  EXPECT_EQ(all_values(config.values), all_values(Config{}));
}

}  // namespace
}  // namespace microgpt
