// --set key=value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

std::string refusal_of(std::string_view argument) {
  SourcedConfig config = small_config("");
  const auto before = all_values(config.values);
  const std::string message = refusal([&] { override_config(config, argument); });
  EXPECT_EQ(all_values(config.values), before) << "a refused override left a trace: " << argument;
  return message;
}

TEST(OverrideConfig, ReplacesDefaultsAndTheFilesValues) {
  SourcedConfig config = small_config("n_embd: 32\nlearning_rate: 0.1\n");
  override_config(config, "learning_rate=0.02");
  override_config(config, "activation=gelu");
  EXPECT_EQ(config.values.learning_rate, 0.02);
  EXPECT_EQ(config.values.activation, Activation::gelu);
  EXPECT_EQ(config.sources.at("learning_rate"), "--set");
  EXPECT_EQ(config.sources.at("activation"), "--set");
  EXPECT_EQ(config.sources.at("n_embd"), "small.cfg:1");
}

TEST(OverrideConfig, TakesTheLastOfSeveral) {
  SourcedConfig config = small_config("");
  override_config(config, "seed=1");
  override_config(config, "seed=2");
  EXPECT_EQ(config.values.seed, 2);
}

TEST(OverrideConfig, TakesWordsForAbsentNumbers) {
  SourcedConfig config = small_config("eval_every: 10\n");
  override_config(config, "eval_every=epoch");
  override_config(config, "batch_size=threads");
  EXPECT_EQ(config.values.eval_every, std::nullopt);
  EXPECT_EQ(config.values.batch_size, std::nullopt);
}

TEST(OverrideConfig, LetsNumStepsReplaceNumEpochs) {
  SourcedConfig config = small_config("num_epochs: 3\n");
  override_config(config, "num_steps=100");
  EXPECT_EQ(config.values.num_steps, 100);
  EXPECT_EQ(config.values.num_epochs, std::nullopt);
  EXPECT_EQ(config.sources.at("num_steps"), "--set");
  EXPECT_EQ(config.sources.at("num_epochs"), "default");
}

TEST(OverrideConfig, LetsNumEpochsReplaceNumSteps) {
  SourcedConfig config = small_config("num_steps: 100\n");
  override_config(config, "num_epochs=3");
  EXPECT_EQ(config.values.num_epochs, 3);
  EXPECT_EQ(config.values.num_steps, Config{}.num_steps);
  EXPECT_EQ(config.sources.at("num_epochs"), "--set");
  EXPECT_EQ(config.sources.at("num_steps"), "default");
}

TEST(OverrideConfig, RefusesNumStepsBesideNumEpochs) {
  for (const auto& given :
       {std::pair{"num_epochs=3", "num_steps=100"}, std::pair{"num_steps=100", "num_epochs=3"}}) {
    SourcedConfig config = small_config("");
    override_config(config, given.first);
    const std::string message = refusal([&] { override_config(config, given.second); });
    EXPECT_THAT(message, testing::HasSubstr("num_epochs"));
    EXPECT_THAT(message, testing::HasSubstr("num_steps"));
    EXPECT_THAT(message, testing::HasSubstr("remove one"));
  }
}

TEST(OverrideConfig, TakesADatasetRelativeToTheCurrentFolder) {
  SourcedConfig config = small_config("dataset: names.txt\n");
  override_config(config, "dataset=other names.txt");
  EXPECT_EQ(config.values.dataset, std::filesystem::current_path() / "other names.txt");
  override_config(config, "dataset=/data/a=b.txt");
  EXPECT_EQ(config.values.dataset, "/data/a=b.txt");
}

TEST(OverrideConfig, RefusesWhatAFileMayNotSayEither) {
  struct Case {
    std::string argument, message;
  };
  const std::vector<Case> cases{
      {"n_embd=0", "--set n_embd=0: n_embd must be from 1 to 65536, not 0"},
      {"n_embd=abc", "--set n_embd=abc: n_embd: 'abc' is not a whole number"},
      {"n_embd=", "--set n_embd=: n_embd: '' is not a whole number"},
      {"n_embd= 16", "--set n_embd= 16: n_embd: ' 16' is not a whole number"},
      {"n_embd=null", "--set n_embd=null: n_embd: 'null' is not a whole number"},
      {"num_epochs=", "--set num_epochs=: num_epochs: '' is not a whole number"},
      {"activation=tanh",
       "--set activation=tanh: activation: 'tanh' is not one of relu_squared, relu, gelu"},
      {"dataset=", "--set dataset=: dataset is empty: name a file"},
      {"dataset=/caf\xe9",
       "--set dataset=/caf\\xe9: dataset: the path '/caf\\xe9' is not UTF-8: rename file or "
       "folder"},
      {"dataset=/\xef\xbf\xbf",
       "--set dataset=/\xef\xbf\xbf: dataset: the path '/\xef\xbf\xbf' holds U+FFFF, which YAML "
       "cannot: "
       "rename file or folder"},
      {"learning_rat=1",
       "--set learning_rat=1: unknown key 'learning_rat': did you mean 'learning_rate'?"},
      {"seed=1\n2", "--set seed=1\\n2: seed: '1\\n2' is not a whole number"},
  };
  for (const auto& [argument, message] : cases) EXPECT_EQ(refusal_of(argument), message);
}

TEST(OverrideConfig, ShowsTheFormWhereItIsMissing) {
  const std::string form = ": write --set KEY=VALUE, for instance --set learning_rate=0.01";
  EXPECT_EQ(refusal_of("learning_rate"), "--set learning_rate" + form);
  EXPECT_EQ(refusal_of("learning_rate: 0.1"), "--set learning_rate: 0.1" + form);
  EXPECT_EQ(refusal_of("=3"), "--set =3" + form);
  EXPECT_EQ(refusal_of(""), "--set " + form);
}

}  // namespace
}  // namespace microgpt
