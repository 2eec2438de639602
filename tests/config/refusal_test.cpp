// Every way in which the text of a config can be wrong, and the line that says so.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

struct Case {
  std::string yaml;
  std::string message;
};

void expect_refusals(const std::vector<Case>& cases) {
  for (const auto& [yaml, message] : cases) {
    EXPECT_EQ(refusal([&yaml = yaml] { return small_config(yaml); }), message) << yaml;
  }
}

TEST(ParseConfigRefuses, UnknownAndRepeatedKeys) {
  expect_refusals({
      {"seed: 1\n\nlearning_rat: 0.1\n",
       "small.cfg:3: unknown key 'learning_rat': did you mean 'learning_rate'?"},
      {"N_EMBD: 16", "small.cfg:1: unknown key 'N_EMBD': did you mean 'n_embd'?"},
      {"\"a\\nb\": 1", "small.cfg:1: unknown key 'a\\nb': did you mean 'n_embd'?"},
      {"n_embd: 16\nseed: 1\nn_embd: 16\n",
       "small.cfg:3: n_embd is given twice, first at small.cfg:1: remove one"},
      {"num_steps: 10\nnum_epochs: 2\n",
       "small.cfg:2: num_epochs cannot stand beside num_steps (small.cfg:1): remove one"},
      {"num_epochs: 2\nnum_steps: 10\n",
       "small.cfg:2: num_steps cannot stand beside num_epochs (small.cfg:1): remove one"},
  });
}

TEST(ParseConfigRefuses, QuotesThatAreNotClosed) {
  const std::string open = "a quote begins here that does not end in its line: close it";
  expect_refusals({
      {"seed: 1\ndataset: \"names.txt\nnum_steps: 3\n", "small.cfg:2: " + open},
      {"dataset: 'it''s.txt\nseed: 3\n", "small.cfg:1: " + open},
      {"dataset: \"a\\\"\nseed: 3\n", "small.cfg:1: " + open},
      {"# é\ndataset: 'é\n  b'\n", "small.cfg:2: " + open},
      {"\xef\xbb\xbf"
       "dataset: 'a\r\nseed: 3\r\n",
       "small.cfg:1: " + open},
  });
  for (const std::string yaml : {"dataset: \"d.txt\"\r\nseed: 5\r\n", "\"seed\": 5\n"}) {
    EXPECT_EQ(small_config("\xef\xbb\xbf" + yaml).values.seed, 5);
  }
}

TEST(ParseConfigRefuses, WhatIsNoNumber) {
  expect_refusals({
      {"seed: 1\nn_embd: abc", "small.cfg:2: n_embd: 'abc' is not a whole number"},
      {"n_embd: 16.0", "small.cfg:1: n_embd: '16.0' is not a whole number"},
      {"n_embd: 1e3", "small.cfg:1: n_embd: '1e3' is not a whole number"},
      {"n_embd: 0x10", "small.cfg:1: n_embd: '0x10' is not a whole number"},
      {"n_embd: 1_000", "small.cfg:1: n_embd: '1_000' is not a whole number"},
      {"n_embd: true", "small.cfg:1: n_embd: 'true' is not a whole number"},
      {"n_embd: 16 8", "small.cfg:1: n_embd: '16 8' is not a whole number"},
      {"batch_size: many", "small.cfg:1: batch_size: 'many' is not a whole number or threads"},
      {"log_every: epoch", "small.cfg:1: log_every: 'epoch' is not a whole number or auto"},
      {"eval_every: auto", "small.cfg:1: eval_every: 'auto' is not a whole number or epoch"},
      {"num_epochs: epoch", "small.cfg:1: num_epochs: 'epoch' is not a whole number"},
      {"learning_rate: fast", "small.cfg:1: learning_rate: 'fast' is not a number"},
      {"learning_rate: 0,01", "small.cfg:1: learning_rate: '0,01' is not a number"},
      {"learning_rate: .nan", "small.cfg:1: learning_rate: '.nan' is not a number"},
      {"learning_rate: nan", "small.cfg:1: learning_rate: 'nan' is not a number"},
      {"learning_rate: inf", "small.cfg:1: learning_rate: 'inf' is not a number"},
      {"learning_rate: 1e", "small.cfg:1: learning_rate: '1e' is not a number"},
      {"learning_rate: 1e999",
       "small.cfg:1: learning_rate: '1e999' is too large or too small for a number"},
  });
}

TEST(ParseConfigRefuses, NumbersInQuotes) {
  expect_refusals({
      {"n_embd: '16'",
       "small.cfg:1: n_embd: '16' in quotes is text, not a number: remove the "
       "quotes"},
      {"beta1: \"0.9\"",
       "small.cfg:1: beta1: '0.9' in quotes is text, not a number: remove the "
       "quotes"},
      {"num_epochs: ''",
       "small.cfg:1: num_epochs: '' in quotes is text, not a number: remove the "
       "quotes"},
      {"zero_init_residual: 'true'",
       "small.cfg:1: zero_init_residual: 'true' in quotes is text, not true or false: remove the "
       "quotes"},
  });
}

TEST(ParseConfigRefuses, WordsThatAKeyDoesNotKnow) {
  expect_refusals({
      {"documents: pages", "small.cfg:1: documents: 'pages' is not one of lines, text"},
      {"activation: tanh",
       "small.cfg:1: activation: 'tanh' is not one of relu_squared, relu, gelu"},
      {"activation: ReLU",
       "small.cfg:1: activation: 'ReLU' is not one of relu_squared, relu, gelu"},
      {"lr_schedule: 1", "small.cfg:1: lr_schedule: '1' is not one of cosine, linear, constant"},
      {"precision: double", "small.cfg:1: precision: 'double' is not one of float32, float64"},
      {"zero_init_residual: yes",
       "small.cfg:1: zero_init_residual: 'yes' is not one of true, false"},
      {"zero_init_residual: 1", "small.cfg:1: zero_init_residual: '1' is not one of true, false"},
  });
}

TEST(ParseConfigRefuses, NumbersOutOfRange) {
  expect_refusals({
      {"n_layer: 0", "small.cfg:1: n_layer must be from 1 to 1000, not 0"},
      {"n_layer: 1001", "small.cfg:1: n_layer must be from 1 to 1000, not 1001"},
      {"n_embd: -16", "small.cfg:1: n_embd must be from 1 to 65536, not -16"},
      {"n_head: 65537", "small.cfg:1: n_head must be from 1 to 65536, not 65537"},
      {"block_size: 1048577", "small.cfg:1: block_size must be from 1 to 1048576, not 1048577"},
      {"num_steps: 0", "small.cfg:1: num_steps must be from 1 to 1000000000000, not 0"},
      {"num_steps: 1000000000001",
       "small.cfg:1: num_steps must be from 1 to 1000000000000, not 1000000000001"},
      {"num_epochs: 1000000001",
       "small.cfg:1: num_epochs must be from 1 to 1000000000, not 1000000001"},
      {"batch_size: 2147483648",
       "small.cfg:1: batch_size must be from 1 to 2147483647, not 2147483648"},
      {"learning_rate: 0", "small.cfg:1: learning_rate must be above 0 and at most 1000000, not 0"},
      {"learning_rate: 1000001",
       "small.cfg:1: learning_rate must be above 0 and at most 1000000, not 1000001"},
      {"warmup_steps: -1", "small.cfg:1: warmup_steps must be from 0 to 1000000000000, not -1"},
      {"beta1: 1", "small.cfg:1: beta1 must be at least 0 and below 1, not 1"},
      {"beta2: -0.1", "small.cfg:1: beta2 must be at least 0 and below 1, not -0.1"},
      {"eps_adam: 0", "small.cfg:1: eps_adam must be above 0 and at most 1, not 0"},
      {"eps_adam: 1.5", "small.cfg:1: eps_adam must be above 0 and at most 1, not 1.5"},
      {"weight_decay: -1",
       "small.cfg:1: weight_decay must be at least 0 and at most 1000000, not -1"},
      {"grad_clip: -1", "small.cfg:1: grad_clip must be at least 0, not -1"},
      {"init_std: 1e7", "small.cfg:1: init_std must be at least 0 and at most 1000000, not 1e7"},
      {"validation_fraction: 1",
       "small.cfg:1: validation_fraction must be at least 0 and below 1, not 1"},
      {"seed: -1", "small.cfg:1: seed must be from 0 to 9223372036854775807, not -1"},
      {"seed: 9223372036854775808",
       "small.cfg:1: seed must be from 0 to 9223372036854775807, not 9223372036854775808"},
      {"log_every: 0", "small.cfg:1: log_every must be from 1 to 1000000000000, not 0"},
      {"eval_every: 0", "small.cfg:1: eval_every must be from 1 to 1000000000000, not 0"},
      {"checkpoint_every: 0",
       "small.cfg:1: checkpoint_every must be from 1 to 1000000000000, not 0"},
      {"keep_checkpoints: -1",
       "small.cfg:1: keep_checkpoints must be from 0 to 1000000000, not -1"},
      {"early_stop_patience: -1",
       "small.cfg:1: early_stop_patience must be from 0 to 1000000000, not -1"},
      {"num_samples: -1", "small.cfg:1: num_samples must be from 0 to 1000000000, not -1"},
      {"temperature: 0", "small.cfg:1: temperature must be above 0 and at most 1000000, not 0"},
  });
}

TEST(ParseConfigRefuses, DatasetsThatAreNoPath) {
  expect_refusals({
      {"dataset: ''", "small.cfg:1: dataset is empty: name a file"},
      {"dataset: \"a\\0b\"", "small.cfg:1: dataset: 'a\\u0000b' holds a NUL character"},
  });
  EXPECT_EQ(refusal([] { return parse_config("dataset: names.txt", "small.cfg", "/caf\xe9"); }),
            "small.cfg:1: dataset: the path '/caf\\xe9/names.txt' is not UTF-8: rename file or "
            "folder");
}

TEST(ParseConfigRefuses, AnythingButAFlatMap) {
  expect_refusals({
      {"names.txt", "small.cfg:1: 'names.txt' is not of the form 'key: value'"},
      {"\nn_embd:16\n", "small.cfg:2: 'n_embd:16' is not of the form 'key: value'"},
      {"- n_embd: 16\n",
       "small.cfg:1: a list cannot stand here: a config is flat, one 'key: value' a line"},
      {"seed: 1\nmodel:\n  n_embd: 16\n",
       "small.cfg:2: model holds a map: a config is flat, one 'key: value' a line"},
      {"n_embd: [16]",
       "small.cfg:1: n_embd holds a list: a config is flat, one 'key: value' a line"},
      {"? [n_embd]\n: 16",
       "small.cfg:1: a list cannot stand here: a config is flat, one 'key: value' a line"},
      {"? {n_embd: 1}\n: 16",
       "small.cfg:1: a map cannot stand here: a config is flat, one 'key: value' a line"},
      {"seed: 1\nn_embd:\n", "small.cfg:2: n_embd has no value: give it one or remove the line"},
      {"n_embd: null", "small.cfg:1: n_embd has no value: give it one or remove the line"},
      {"n_embd: ~", "small.cfg:1: n_embd has no value: give it one or remove the line"},
      {"seed: 1\n: 16", "small.cfg:2: the key before ':' is missing"},
      {"seed: 1\n---\nseed: 2\n", "small.cfg:2: a second YAML document begins here: keep one"},
  });
}

TEST(ParseConfigRefuses, AnchorsAliasesTagsAndMergeKeys) {
  const std::string anchor = "small.cfg:1: anchors (&) have no use in a config: remove it";
  expect_refusals({
      {"n_embd: &width 16\nn_head: *width\n", anchor},
      {"&key n_embd: 16", anchor},
      {"&map\nn_embd: 16", anchor},
      {"n_embd: &width", anchor},
      {"n_embd: *width",
       "small.cfg:1: not valid YAML (the referenced anchor is not defined): write one 'key: value' "
       "a line"},
      {"n_embd: !!int 16",
       "small.cfg:1: the YAML tag 'tag:yaml.org,2002:int' has no use in a config: remove it"},
      {"!!map\nn_embd: 16",
       "small.cfg:1: the YAML tag 'tag:yaml.org,2002:map' has no use in a config: remove it"},
      {"<<: {n_embd: 16}",
       "small.cfg:1: << holds a map: a config is flat, one 'key: value' a line"},
  });
}

TEST(ParseConfigRefuses, TextThatIsNotYaml) {
  const std::string advice = "): write one 'key: value' a line";
  expect_refusals({
      {"seed: 1\nn_embd: 'abc", "small.cfg:2: not valid YAML (illegal EOF in scalar" + advice},
      {"seed: 1\n\tn_embd: 16",
       "small.cfg:2: not valid YAML (illegal tab when looking for indentation" + advice},
      {"seed: 1\nn_embd:16\nn_head: 4\n",
       "small.cfg:3: not valid YAML (illegal map value" + advice},
      {"seed: @1", "small.cfg:1: not valid YAML (unknown token" + advice},
      {"%YAML 3.0\n---\nseed: 1",
       "small.cfg:1: not valid YAML (YAML major version too large" + advice},
  });
}

TEST(ParseConfigRefuses, BytesThatAreNoText) {
  expect_refusals({
      {"seed: 1\n# caf\xe9\n", "small.cfg:2: byte 0xe9 is not UTF-8: save the file as UTF-8 text"},
      {"\xff\xfes\x01", "small.cfg:1: byte 0xff is not UTF-8: save the file as UTF-8 text"},
      {std::string("seed: 1\n\0", 9), "small.cfg:2: holds a NUL byte: a config is a text file"},
  });
}

}  // namespace
}  // namespace microgpt
