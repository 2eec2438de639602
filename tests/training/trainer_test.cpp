// The loop as a whole: going on from a checkpoint, early stopping, requests to stop, numbers that
// are not finite.
#include "microgpt/trainer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "microgpt/error.hpp"
#include "training/support.hpp"

namespace microgpt {
namespace {

using test::Recorder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Config small_config() {
  Config config;
  config.batch_size = 24;
  config.num_steps = 30;
  config.eval_every = 10;
  config.checkpoint_every = 7;
  config.validation_fraction = 0.2;
  config.num_samples = 0;
  return config;
}

TEST(TrainerTest, TwiceAsManyStepsEqualAResumedRun) {
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const Dataset dataset = test::random_words(200, 8);
    Config config = small_config();
    config.precision = precision;
    config.lr_schedule = LrSchedule::constant;
    Trainer whole(config, dataset, 2);
    Recorder of_whole;
    EXPECT_EQ(whole.run(of_whole, test::never_stop()), TrainingEnd::completed);

    Config half = config;
    half.num_steps = 15;
    Trainer first(half, dataset, 1);
    Recorder of_first;
    first.run(of_first, test::never_stop());
    Trainer second(std::move(*of_first.checkpoint), config, dataset, 3);
    Recorder of_second;
    EXPECT_EQ(second.run(of_second, test::never_stop()), TrainingEnd::completed);

    EXPECT_EQ(test::bytes_of(second.state()), test::bytes_of(whole.state()));
    EXPECT_EQ(second.info().history, whole.info().history);
    EXPECT_EQ(second.info().random, whole.info().random);
    EXPECT_EQ(second.info().cursor, whole.info().cursor);
  }
}

TEST(TrainerTest, ReportsCountCompletedSteps) {
  const Dataset dataset = test::random_words(50, 8);
  Config config = small_config();
  config.num_steps = 4;
  Trainer trainer(config, dataset, 1);
  Recorder recorder;
  trainer.run(recorder, test::never_stop());
  ASSERT_EQ(recorder.reports.size(), 4U);
  EXPECT_EQ(recorder.reports[0].step, 1);
  EXPECT_EQ(recorder.reports[3].step, 4);
  EXPECT_TRUE(recorder.reports[3].val_loss.has_value());
  EXPECT_EQ(trainer.info().epoch, 4 * 24 / 40);
}

TEST(TrainerTest, StopsAfterTheStepAndLeavesACheckpoint) {
  const Dataset dataset = test::random_words(200, 8);
  Trainer trainer(small_config(), dataset, 2);
  std::atomic<int> stop{0};
  Recorder recorder;
  recorder.after_step = [&](const StepReport& report) {
    if (report.step == 9) stop = 15;
  };
  EXPECT_EQ(trainer.run(recorder, stop), TrainingEnd::stopped);
  EXPECT_THAT(recorder.checkpoint_steps, ElementsAre(7, 9));
}

TEST(TrainerTest, IsCompletedWhereTheLastStepIsAskedToStop) {
  const Dataset dataset = test::random_words(200, 8);
  Trainer trainer(small_config(), dataset, 1);
  std::atomic<int> stop{0};
  Recorder recorder;
  recorder.after_step = [&](const StepReport& report) {
    if (report.step == trainer.num_steps()) stop = 15;
  };
  EXPECT_EQ(trainer.run(recorder, stop), TrainingEnd::completed);
}

TEST(TrainerTest, KeepsACheckpointOfEachNewBest) {
  const Dataset dataset = test::random_words(200, 8);
  Config config = small_config();
  config.checkpoint_every = 1000;
  Trainer trainer(config, dataset, 1);
  Recorder recorder;
  trainer.run(recorder, test::never_stop());
  const TrainingHistory history = trainer.info().history;
  ASSERT_THAT(history.val_steps, ElementsAre(10, 20, 30));
  EXPECT_THAT(recorder.checkpoint_steps, testing::Contains(10));
}

TEST(TrainerTest, EndsEarlyWhenPatienceIsOver) {
  const Dataset dataset = test::random_words(200, 8);
  Config config = small_config();
  config.num_steps = 4000;
  config.learning_rate = 0.2;
  config.lr_schedule = LrSchedule::constant;
  config.eval_every = 1;
  config.early_stop_patience = 3;
  Trainer trainer(config, dataset, 1);
  Recorder recorder;
  EXPECT_EQ(trainer.run(recorder, test::never_stop()), TrainingEnd::early);
  EXPECT_LT(recorder.reports.size(), 4000U);
  EXPECT_EQ(recorder.checkpoint_steps.back(), recorder.reports.back().step);

  Trainer again(std::move(*recorder.checkpoint), config, dataset, 1);
  Recorder nothing;
  EXPECT_EQ(again.run(nothing, test::never_stop()), TrainingEnd::early);
  EXPECT_TRUE(nothing.reports.empty());
}

TEST(TrainerTest, RefusesAnUpdateFromNumbersThatAreNotFinite) {
  const Dataset dataset = test::random_words(200, 8);
  Config config = small_config();
  config.learning_rate = 1e6;
  config.num_steps = 1000;
  config.lr_schedule = LrSchedule::constant;
  config.weight_decay = 1e6;
  Trainer trainer(config, dataset, 2);
  Recorder recorder;
  EXPECT_THAT([&] { trainer.run(recorder, test::never_stop()); },
              ThrowsMessage<RunError>(
                  testing::AllOf(HasSubstr("is not finite"), HasSubstr("learning rate 1e+06"))));
  std::visit(
      [](const auto& model) {
        for (const auto value : model.m.values()) EXPECT_TRUE(std::isfinite(value));
      },
      trainer.state());
}

TEST(TrainerTest, GivesEachWorkerADocumentWhereBatchSizeSaysThreads) {
  const Dataset dataset = test::random_words(50, 8);
  Config config = small_config();
  config.batch_size.reset();
  EXPECT_EQ(Trainer(config, dataset, 5).info().config.batch_size, 5);
}

TEST(TrainerTest, TakesBatchesLargerThanTheDataset) {
  const Dataset dataset = test::random_words(3, 8);
  Config config = small_config();
  config.validation_fraction = 0;
  config.batch_size = 100;
  config.num_steps = 3;
  Trainer trainer(config, dataset, 2);
  Recorder recorder;
  EXPECT_EQ(trainer.run(recorder, test::never_stop()), TrainingEnd::completed);
  EXPECT_EQ(trainer.info().epoch, 100);
}

}  // namespace
}  // namespace microgpt
