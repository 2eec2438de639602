// Promise: weights, moments, losses and evaluations are bit for bit the same for any number of
// threads, on batches that span many lanes of uneven documents.
#include <gtest/gtest.h>

#include "training/support.hpp"

namespace microgpt {
namespace {

using test::Recorder;

struct Outcome {
  std::string bytes;
  std::vector<double> losses;
  std::vector<double> val_losses;
};

Config config_of(Precision precision, std::int64_t n_embd) {
  Config config;
  config.n_layer = 2;
  config.n_embd = n_embd;
  config.block_size = 10;
  config.batch_size = 97;
  config.num_steps = 12;
  config.eval_every = 5;
  config.validation_fraction = 0.3;
  config.zero_init_residual = false;
  config.grad_clip = 0.5;
  config.weight_decay = 0.01;
  config.precision = precision;
  return config;
}

Outcome train(const Config& config, int threads) {
  const Dataset dataset = test::random_words(700, config.block_size);
  Trainer trainer(config, dataset, threads);
  Recorder recorder;
  trainer.run(recorder, test::never_stop());
  return {.bytes = test::bytes_of(trainer.state()),
          .losses = test::losses_of(recorder),
          .val_losses = trainer.info().history.val_losses};
}

class ThreadCountTest : public testing::TestWithParam<std::tuple<Precision, std::int64_t>> {};

TEST_P(ThreadCountTest, DoesNotChangeABit) {
  const auto [precision, n_embd] = GetParam();
  const Config config = config_of(precision, n_embd);
  const Outcome expected = train(config, 1);
  ASSERT_EQ(expected.losses.size(), 12U);
  EXPECT_LT(expected.losses.back(), expected.losses.front());
  for (const int threads : {2, 3, 8, 64}) {
    const Outcome outcome = train(config, threads);
    EXPECT_EQ(outcome.bytes, expected.bytes) << threads << " threads";
    EXPECT_EQ(outcome.losses, expected.losses) << threads << " threads";
    EXPECT_EQ(outcome.val_losses, expected.val_losses) << threads << " threads";
  }
}

std::string name_of(const testing::TestParamInfo<std::tuple<Precision, std::int64_t>>& test) {
  const char* const precision =
      std::get<0>(test.param) == Precision::float32 ? "Float32" : "Float64";
  return precision + std::string("Width") + std::to_string(std::get<1>(test.param));
}

INSTANTIATE_TEST_SUITE_P(Shapes, ThreadCountTest,
                         testing::Combine(testing::Values(Precision::float32, Precision::float64),
                                          testing::Values(12, 16, 48)),
                         name_of);

TEST(StandaloneEvaluationTest, DoesNotChangeABit) {
  const Config config = config_of(Precision::float32, 16);
  const Dataset dataset = test::random_words(700, config.block_size);
  Trainer trainer(config, dataset, 2);
  Recorder recorder;
  trainer.run(recorder, test::never_stop());
  const ModelShape shape = model_shape(config, dataset.tokenizer().vocab_size());
  const double expected = evaluate(shape, trainer.state(), dataset, 1);
  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(evaluate(shape, trainer.state(), dataset, threads), expected);
  }
}

}  // namespace
}  // namespace microgpt
