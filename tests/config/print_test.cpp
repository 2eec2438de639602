// A Config as text, which reads back to the same Config.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

void expect_round_trip(const Config& config) {
  const std::string yaml = to_yaml(config);
  SCOPED_TRACE(yaml);
  EXPECT_EQ(all_values(parse_config(yaml, "config.cfg", "/elsewhere").values), all_values(config));
}

TEST(ToYaml, ReadsBackEveryKey) {
  for (const std::string argument : {
           "dataset=/data/names.txt",
           "documents=text",
           "validation_fraction=0.1",
           "n_layer=2",
           "n_embd=32",
           "n_head=8",
           "block_size=64",
           "activation=relu",
           "activation=gelu",
           "init_std=0.08",
           "zero_init_residual=false",
           "num_steps=1000000000000",
           "num_epochs=3",
           "batch_size=threads",
           "batch_size=1",
           "learning_rate=3e-4",
           "lr_schedule=linear",
           "lr_schedule=constant",
           "warmup_steps=100",
           "beta1=0.85",
           "beta2=0.99",
           "eps_adam=1e-10",
           "weight_decay=0.1",
           "grad_clip=1",
           "seed=9223372036854775807",
           "precision=float64",
           "log_every=10",
           "eval_every=100",
           "checkpoint_every=1000",
           "keep_checkpoints=3",
           "early_stop_patience=5",
           "num_samples=0",
           "temperature=1.5",
       }) {
    SCOPED_TRACE(argument);
    SourcedConfig config = small_config("");
    override_config(config, argument);
    EXPECT_NE(to_yaml(config.values), to_yaml(Config{}));
    expect_round_trip(config.values);
  }
}

TEST(ToYaml, ReadsBackEveryBitOfAnAwkwardNumber) {
  for (const double number : {0.1 + 0.2, 1.0 / 3.0, 5e-324, 1e-5, 2.5e-17, 123456.789, 1e6}) {
    Config config;
    config.learning_rate = number;
    EXPECT_EQ(small_config(to_yaml(config)).values.learning_rate, number);
  }
  Config config;
  config.grad_clip = 1.7976931348623157e308;
  EXPECT_EQ(small_config(to_yaml(config)).values.grad_clip, config.grad_clip);
}

TEST(ToYaml, ReadsBackEveryPath) {
  std::vector<std::string> paths{"/plain/path-1_2.txt",
                                 "/with space",
                                 "/with: colon",
                                 "/with #hash",
                                 "/with 'quotes\"",
                                 "/back\\slash",
                                 "/né/名前/🙂",
                                 "/tab\tnewline\n",
                                 "/[list]",
                                 "/{map}",
                                 "/&a *b !c %d @e `f",
                                 "/trailing ",
                                 "/trailing:",
                                 "/- dash, ? : ",
                                 "/\u0085\u2028",
                                 "/=",
                                 "/~",
                                 "/a\xef\xbb\xbf"};
  for (char c = 1; c < 0x7f; ++c) {
    if (c != '/') paths.push_back(std::string("/x") + c + "y");
  }
  for (const std::string& path : paths) {
    Config config;
    config.dataset = path;
    EXPECT_EQ(small_config(to_yaml(config)).values.dataset, path) << to_yaml(config);
  }
}

TEST(ToYaml, HasEveryKeyInOrderAndOfTheLengthsTheOneInForce) {
  Config config;
  config.dataset = "/data/names.txt";
  const std::string yaml = to_yaml(config);
  std::size_t last = 0;
  for (const KeyDescription& key : describe_keys()) {
    const auto at = ("\n" + yaml).find("\n" + std::string(key.name) + ": ");
    if (key.name == "num_epochs") {
      EXPECT_EQ(at, std::string::npos);
      continue;
    }
    ASSERT_NE(at, std::string::npos) << key.name;
    EXPECT_GE(at, last) << key.name;
    last = at;
  }

  config.num_epochs = 3;
  EXPECT_NE(to_yaml(config).find("\nnum_epochs: 3\n"), std::string::npos);
  EXPECT_EQ(to_yaml(config).find("num_steps"), std::string::npos);
}

TEST(ToYaml, LeavesOutADatasetThatIsNotGiven) {
  EXPECT_TRUE(to_yaml(Config{}).starts_with("documents: lines\n"));
  expect_round_trip(Config{});
}

TEST(ConfigValue, IsTheValueAsYamlWritesIt) {
  Config config;
  config.dataset = "/my data/names.txt";
  config.num_epochs = 3;
  EXPECT_EQ(config_value(config, "dataset"), "\"/my data/names.txt\"");
  EXPECT_EQ(config_value(config, "learning_rate"), "0.01");
  EXPECT_EQ(config_value(config, "eval_every"), "epoch");
  EXPECT_EQ(config_value(config, "num_epochs"), "3");
  EXPECT_EQ(config_value(config, "zero_init_residual"), "true");
  EXPECT_THROW((void)config_value(config, "learning_rat"), std::out_of_range);
}

TEST(ToAnnotatedYaml, SaysWhereEachValueCameFrom) {
  SourcedConfig config = small_config("# mine\ndataset: names.txt\nn_embd: 32\nnum_epochs: 2\n");
  override_config(config, "learning_rate=1e-5");
  EXPECT_EQ(to_annotated_yaml(config),
            "dataset: /runs/names.txt  # small.cfg:2\n"
            "documents: lines          # default\n"
            "validation_fraction: 0    # default\n"
            "n_layer: 1                # default\n"
            "n_embd: 32                # small.cfg:3\n"
            "n_head: 4                 # default\n"
            "block_size: 8             # default\n"
            "activation: relu_squared  # default\n"
            "init_std: 0.02            # default\n"
            "zero_init_residual: true  # default\n"
            "num_epochs: 2             # small.cfg:4\n"
            "batch_size: 8             # default\n"
            "learning_rate: 1.0e-05    # --set\n"
            "lr_schedule: cosine       # default\n"
            "warmup_steps: 0           # default\n"
            "beta1: 0.9                # default\n"
            "beta2: 0.95               # default\n"
            "eps_adam: 1.0e-08         # default\n"
            "weight_decay: 0           # default\n"
            "grad_clip: 0              # default\n"
            "seed: 42                  # default\n"
            "precision: float32        # default\n"
            "log_every: auto           # default\n"
            "eval_every: epoch         # default\n"
            "checkpoint_every: epoch   # default\n"
            "keep_checkpoints: 0       # default\n"
            "early_stop_patience: 0    # default\n"
            "num_samples: 20           # default\n"
            "temperature: 0.5          # default\n");
}

TEST(ToAnnotatedYaml, ReadsBackToo) {
  SourcedConfig config = small_config("dataset: 'a # b'\nseed: 1\n");
  config.sources["seed"] = "strange\nn_embd: 1";
  EXPECT_EQ(all_values(small_config(to_annotated_yaml(config)).values), all_values(config.values));
}

TEST(ToAnnotatedYaml, LetsALongPathStickOut) {
  SourcedConfig config = small_config("");
  config.values.dataset = "/" + std::string(80, 'x');
  const std::string yaml = to_annotated_yaml(config);
  EXPECT_NE(yaml.find("xxx  # default\n"), std::string::npos);
  EXPECT_NE(yaml.find("\nzero_init_residual: true  # default\n"), std::string::npos);
}

}  // namespace
}  // namespace microgpt
