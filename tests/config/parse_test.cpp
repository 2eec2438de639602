// What a config file may say, and what becomes of it.
#include <gtest/gtest.h>

#include <limits>

#include "support.hpp"

namespace microgpt {
namespace {

TEST(ParseConfig, PutsEveryKeyIntoItsMember) {
  const SourcedConfig config = small_config(
      "dataset: names.txt\n"
      "documents: text\n"
      "validation_fraction: 0.25\n"
      "n_layer: 2\n"
      "n_embd: 32\n"
      "n_head: 8\n"
      "block_size: 64\n"
      "activation: gelu\n"
      "init_std: 0.08\n"
      "zero_init_residual: false\n"
      "num_steps: 1000000000000\n"
      "batch_size: 2147483647\n"
      "learning_rate: 3e-4\n"
      "lr_schedule: constant\n"
      "warmup_steps: 10\n"
      "beta1: .85\n"
      "beta2: 0.99\n"
      "eps_adam: 1e-10\n"
      "weight_decay: 1\n"
      "grad_clip: 1e300\n"
      "seed: 9223372036854775807\n"
      "precision: float64\n"
      "log_every: 11\n"
      "eval_every: 12\n"
      "checkpoint_every: 13\n"
      "keep_checkpoints: 14\n"
      "early_stop_patience: 15\n"
      "num_samples: 16\n"
      "temperature: 0.75\n");
  const Config& values = config.values;
  EXPECT_EQ(values.dataset, "/runs/names.txt");
  EXPECT_EQ(values.documents, DocumentMode::text);
  EXPECT_EQ(values.validation_fraction, 0.25);
  EXPECT_EQ(values.n_layer, 2);
  EXPECT_EQ(values.n_embd, 32);
  EXPECT_EQ(values.n_head, 8);
  EXPECT_EQ(values.block_size, 64);
  EXPECT_EQ(values.activation, Activation::gelu);
  EXPECT_EQ(values.init_std, 0.08);
  EXPECT_FALSE(values.zero_init_residual);
  EXPECT_EQ(values.num_steps, 1'000'000'000'000);
  EXPECT_EQ(values.num_epochs, std::nullopt);
  EXPECT_EQ(values.batch_size, 2'147'483'647);
  EXPECT_EQ(values.learning_rate, 3e-4);
  EXPECT_EQ(values.lr_schedule, LrSchedule::constant);
  EXPECT_EQ(values.warmup_steps, 10);
  EXPECT_EQ(values.beta1, 0.85);
  EXPECT_EQ(values.beta2, 0.99);
  EXPECT_EQ(values.eps_adam, 1e-10);
  EXPECT_EQ(values.weight_decay, 1.0);
  EXPECT_EQ(values.grad_clip, 1e300);
  EXPECT_EQ(values.seed, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(values.precision, Precision::float64);
  EXPECT_EQ(values.log_every, 11);
  EXPECT_EQ(values.eval_every, 12);
  EXPECT_EQ(values.checkpoint_every, 13);
  EXPECT_EQ(values.keep_checkpoints, 14);
  EXPECT_EQ(values.early_stop_patience, 15);
  EXPECT_EQ(values.num_samples, 16);
  EXPECT_EQ(values.temperature, 0.75);
}

TEST(ParseConfig, KnowsEveryWord) {
  EXPECT_EQ(small_config("documents: lines").values.documents, DocumentMode::lines);
  EXPECT_EQ(small_config("documents: text").values.documents, DocumentMode::text);
  EXPECT_EQ(small_config("activation: relu_squared").values.activation, Activation::relu_squared);
  EXPECT_EQ(small_config("activation: relu").values.activation, Activation::relu);
  EXPECT_EQ(small_config("activation: gelu").values.activation, Activation::gelu);
  EXPECT_EQ(small_config("lr_schedule: cosine").values.lr_schedule, LrSchedule::cosine);
  EXPECT_EQ(small_config("lr_schedule: linear").values.lr_schedule, LrSchedule::linear);
  EXPECT_EQ(small_config("lr_schedule: constant").values.lr_schedule, LrSchedule::constant);
  EXPECT_EQ(small_config("precision: float32").values.precision, Precision::float32);
  EXPECT_EQ(small_config("precision: float64").values.precision, Precision::float64);
  EXPECT_TRUE(small_config("zero_init_residual: true").values.zero_init_residual);
  EXPECT_FALSE(small_config("zero_init_residual: false").values.zero_init_residual);
  for (const std::string word : {"True", "TRUE"}) {
    EXPECT_TRUE(small_config("zero_init_residual: " + word).values.zero_init_residual);
  }
  for (const std::string word : {"False", "FALSE"}) {
    EXPECT_FALSE(small_config("zero_init_residual: " + word).values.zero_init_residual);
  }
}

TEST(ParseConfig, TakesAWordForAnAbsentNumber) {
  const Config values = small_config(
                            "batch_size: threads\n"
                            "log_every: auto\n"
                            "eval_every: epoch\n"
                            "checkpoint_every: epoch\n")
                            .values;
  EXPECT_EQ(values.batch_size, std::nullopt);
  EXPECT_EQ(values.log_every, std::nullopt);
  EXPECT_EQ(values.eval_every, std::nullopt);
  EXPECT_EQ(values.checkpoint_every, std::nullopt);
}

TEST(ParseConfig, TakesTheEndsOfEveryRange) {
  for (const std::string_view line : {
           "n_layer: 1",
           "n_layer: 1000",
           "n_embd: 1",
           "n_embd: 65536",
           "n_head: 1",
           "n_head: 65536",
           "block_size: 1",
           "block_size: 1048576",
           "num_steps: 1",
           "num_epochs: 1",
           "num_epochs: 1000000000",
           "batch_size: 1",
           "learning_rate: 1e-300",
           "learning_rate: 1e6",
           "warmup_steps: 0",
           "warmup_steps: 1000000000000",
           "beta1: 0",
           "beta2: 0.9999999999999999",
           "eps_adam: 5e-324",
           "eps_adam: 1",
           "weight_decay: 0",
           "weight_decay: 1e6",
           "grad_clip: 0",
           "init_std: 0",
           "init_std: 1e6",
           "validation_fraction: 0",
           "validation_fraction: 0.999",
           "seed: 0",
           "log_every: 1",
           "eval_every: 1000000000000",
           "checkpoint_every: 1",
           "keep_checkpoints: 1000000000",
           "early_stop_patience: 1000000000",
           "num_samples: 0",
           "num_samples: 1000000000",
           "temperature: 1e6",
       }) {
    EXPECT_EQ(refusal([&] { return small_config(line); }), "no error") << line;
  }
}

TEST(ParseConfig, RemembersThePlaceOfEachValue) {
  const SourcedConfig config = small_config("# a comment\n\nn_embd: 32\nseed: 7  # lucky\n");
  EXPECT_EQ(config.sources.at("n_embd"), "small.cfg:3");
  EXPECT_EQ(config.sources.at("seed"), "small.cfg:4");
  EXPECT_EQ(config.sources.at("n_head"), "default");
}

TEST(ParseConfig, ReadsEveryFormOfAFlatMap) {
  for (const std::string_view yaml : {
           "n_embd: 32\nseed: 7\n",
           "n_embd: 32\r\nseed: 7\r\n",
           "\xef\xbb\xbfn_embd: 32\nseed: 7",
           "---\nn_embd: 32\nseed: 7\n...\n",
           "%YAML 1.2\n---\nn_embd: 32\nseed: 7\n",
           "  n_embd:   32\n  seed:\n    7\n",
           "{n_embd: 32, seed: 7}",
           "\"n_embd\": 32\n? seed\n: 7\n",
       }) {
    const Config values = small_config(yaml).values;
    EXPECT_EQ(values.n_embd, 32) << yaml;
    EXPECT_EQ(values.seed, 7) << yaml;
  }
}

TEST(ParseConfig, TakesTextWithoutContentForAllDefaults) {
  for (const std::string_view yaml : {"", "\n\n", "# only a comment\n", "---\n", "\xef\xbb\xbf"}) {
    EXPECT_EQ(all_values(small_config(yaml).values), all_values(Config{})) << yaml;
  }
}

TEST(ParseConfig, TakesADatasetRelativeToTheFolder) {
  struct Case {
    std::string_view yaml, folder, path;
  };
  for (const auto& [yaml, folder, path] : {
           Case{"dataset: names.txt", "/runs", "/runs/names.txt"},
           Case{"dataset: ../data/names.txt", "/runs/configs", "/runs/data/names.txt"},
           Case{"dataset: ./a//b/../names.txt", "/runs", "/runs/a/names.txt"},
           Case{"dataset: /data/names.txt", "/runs", "/data/names.txt"},
           Case{"dataset: ../../../names.txt", "/runs", "/names.txt"},
           Case{"dataset: 'a name: with #7.txt'", "/runs", "/runs/a name: with #7.txt"},
           Case{"dataset: \"caf\\u00e9.txt\"", "/runs", "/runs/café.txt"},
           Case{"dataset: 'null'", "/runs", "/runs/null"},
           Case{"dataset: 2024", "/runs", "/runs/2024"},
       }) {
    EXPECT_EQ(parse_config(yaml, "small.cfg", folder).values.dataset, path) << yaml;
  }
}

TEST(ParseConfig, TakesADatasetRelativeToTheCurrentFolderWhereThereIsNoOther) {
  EXPECT_EQ(parse_config("dataset: names.txt", "small.cfg", "").values.dataset,
            std::filesystem::current_path() / "names.txt");
}

}  // namespace
}  // namespace microgpt
