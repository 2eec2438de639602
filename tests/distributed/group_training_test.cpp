// Whole trainings by several processes, played by threads: the same bits, and one end for all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "distributed/agreement.hpp"
#include "distributed/thread_group.hpp"
#include "microgpt/error.hpp"
#include "training/support.hpp"

namespace microgpt {
namespace {

using test::Recorder;

Config config_of(Precision precision, std::int64_t n_embd, std::int64_t batch_size) {
  Config config;
  config.n_layer = 2;
  config.n_embd = n_embd;
  config.block_size = 10;
  config.batch_size = batch_size;
  config.num_steps = 7;
  config.eval_every = 3;
  config.checkpoint_every = 4;
  config.validation_fraction = 0.1;
  config.zero_init_residual = false;
  config.grad_clip = 0.5;
  config.precision = precision;
  return config;
}

struct Outcome {
  std::string bytes;  // of the last checkpoint
  std::vector<std::int64_t> checkpoint_steps;
  std::vector<double> losses;
  std::vector<double> val_losses;
  bool operator==(const Outcome&) const = default;
};

// What the first process saw.
Outcome train(const Config& config, const Dataset& dataset, int ranks, int threads) {
  Outcome outcome;
  test::in_group(ranks, [&](ProcessGroup& group) {
    Trainer trainer(config, dataset, threads, group);
    Recorder recorder;
    trainer.run(recorder, test::never_stop());
    if (group.rank() != 0) {
      EXPECT_TRUE(recorder.reports.empty());
      return;
    }
    outcome = {.bytes = test::bytes_of(recorder.checkpoint->state),
               .checkpoint_steps = recorder.checkpoint_steps,
               .losses = test::losses_of(recorder),
               .val_losses = trainer.info().history.val_losses};
  });
  return outcome;
}

class GroupTrainingTest
    : public testing::TestWithParam<std::tuple<Precision, std::int64_t, std::int64_t>> {};

TEST_P(GroupTrainingTest, HasTheBitsOfOneProcess) {
  const auto [precision, n_embd, batch_size] = GetParam();
  const Config config = config_of(precision, n_embd, batch_size);
  const Dataset dataset = test::random_words(400, config.block_size);
  const Outcome expected = train(config, dataset, 1, 1);
  EXPECT_EQ(expected.checkpoint_steps.back(), 7);
  for (const int ranks : {2, 3, 4, 7, 9}) {
    EXPECT_EQ(train(config, dataset, ranks, 1), expected) << ranks << " processes";
  }
  EXPECT_EQ(train(config, dataset, 3, 2), expected);
}

std::string name_of(
    const testing::TestParamInfo<std::tuple<Precision, std::int64_t, std::int64_t>>& test) {
  const char* const precision =
      std::get<0>(test.param) == Precision::float32 ? "Float32" : "Float64";
  return precision + std::string("Width") + std::to_string(std::get<1>(test.param)) + "Batch" +
         std::to_string(std::get<2>(test.param));
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupTrainingTest,
                         testing::Combine(testing::Values(Precision::float32, Precision::float64),
                                          testing::Values(12, 72), testing::Values(3, 53)),
                         name_of);

TEST(GroupResumeTest, GoesOnWithAnotherNumberOfProcesses) {
  Config config = config_of(Precision::float32, 72, 53);
  const Dataset dataset = test::random_words(400, config.block_size);
  const Outcome whole = train(config, dataset, 1, 2);
  test::in_group(4, [&](ProcessGroup& group) {
    // Each has read the checkpoint of step 4, which 3 processes had written.
    std::optional<Checkpoint> checkpoint;
    test::in_group(3, [&](ProcessGroup& former) {
      Trainer trainer(config, dataset, 1, former);
      Recorder recorder;
      std::atomic<int> stop{0};
      recorder.after_step = [&](const StepReport& report) { stop = report.step == 3 ? 15 : 0; };
      EXPECT_EQ(trainer.run(recorder, stop), TrainingEnd::stopped);
      if (former.rank() == 0) checkpoint = std::move(recorder.checkpoint);
    });
    EXPECT_EQ(checkpoint->info.step, 4);
    Trainer trainer(std::move(*checkpoint), config, dataset, 1, group);
    Recorder recorder;
    trainer.run(recorder, test::never_stop());
    if (group.rank() != 0) return;
    EXPECT_EQ(test::bytes_of(recorder.checkpoint->state), whole.bytes);
  });
}

TEST(GroupEndTest, AllStopAfterTheSameStepWhoeverIsAsked) {
  const Config config = config_of(Precision::float32, 12, 20);
  const Dataset dataset = test::random_words(400, config.block_size);
  for (int asked = 0; asked < 3; ++asked) {
    test::in_group(3, [&](ProcessGroup& group) {
      Trainer trainer(config, dataset, 1, group);
      Recorder recorder;
      const std::atomic<int> stop{group.rank() == asked ? 2 : 0};
      EXPECT_EQ(trainer.run(recorder, stop), TrainingEnd::stopped);
      EXPECT_EQ(trainer.info().step, 1);
      EXPECT_EQ(recorder.checkpoint_steps.size(), group.rank() == 0 ? 1U : 0U);
    });
  }
}

TEST(GroupEndTest, AFailureOfTheObserverEndsAll) {
  const Config config = config_of(Precision::float32, 72, 20);
  const Dataset dataset = test::random_words(400, config.block_size);
  for (const std::int64_t step : {1, 4, 7}) {
    test::in_group(3, [&](ProcessGroup& group) {
      Trainer trainer(config, dataset, 1, group);
      Recorder recorder;
      recorder.after_step = [&](const StepReport& report) {
        if (report.step == step) throw RunError("the disk is full");
      };
      if (group.rank() == 0) {
        EXPECT_THROW(trainer.run(recorder, test::never_stop()), RunError);
      } else {
        EXPECT_THROW(trainer.run(recorder, test::never_stop()), EndedElsewhere);
      }
      EXPECT_TRUE(group.ends_together());
      EXPECT_EQ(trainer.info().step, step);
    });
  }
}

TEST(AgreementTest, TheLowestRankThatFailsSpeaks) {
  test::in_group(4, [](ProcessGroup& group) {
    const auto work = [&]() -> int {
      if (group.rank() >= 2) throw InputError("names.txt is missing");
      return group.rank();
    };
    if (group.rank() == 2) {
      EXPECT_THAT([&] { together(group, work); },
                  testing::ThrowsMessage<InputError>("rank 2 on thread: names.txt is missing"));
    } else {
      try {
        together(group, work);
        FAIL() << "nothing was thrown";
      } catch (const EndedElsewhere& error) {
        EXPECT_EQ(error.exit_code(), 2);
      }
    }
    EXPECT_TRUE(group.ends_together());
  });
  test::in_group(3, [](ProcessGroup& group) {
    EXPECT_EQ(together(group, [&] { return group.rank(); }), group.rank());
    EXPECT_FALSE(group.ends_together());
  });
}

TEST(AgreementTest, WhoHasSomethingElseSaysSo) {
  test::in_group(3, [](ProcessGroup& group) {
    const std::vector<CommonGround> things{
        {.name = "config", .text = "the same"},
        {.name = "dataset", .text = group.rank() == 1 ? "other" : "one"}};
    if (group.rank() == 1) {
      EXPECT_THAT([&] { require_common_ground(group, things); },
                  testing::ThrowsMessage<InputError>(testing::HasSubstr("dataset")));
    } else {
      EXPECT_THROW(require_common_ground(group, things), EndedElsewhere);
    }
  });
}

}  // namespace
}  // namespace microgpt
