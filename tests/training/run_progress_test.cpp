// What is due at which step, and what a longer run forgets of a shorter one.
#include "training/run_progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace microgpt {
namespace {

using testing::ElementsAre;

Config config_of(std::int64_t num_steps, std::int64_t batch_size) {
  Config config;
  config.num_steps = num_steps;
  config.batch_size = batch_size;
  return config;
}

// The steps at which `due(step, cursor)` holds.
template <class Due>
std::vector<std::int64_t> steps_where(const RunSchedule& schedule, std::int64_t batch_size,
                                      Due&& due) {
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 1; step <= schedule.num_steps(); ++step) {
    if (due(step, step * batch_size)) steps.push_back(step);
  }
  return steps;
}

TEST(RunScheduleTest, AnEpochEndsWithTheFirstStepThatCompletesAPass) {
  const RunSchedule schedule(config_of(10, 4), 10, true, {});
  const auto due = steps_where(
      schedule, 4, [&](auto step, auto cursor) { return schedule.checkpoint_due(step, cursor); });
  EXPECT_THAT(due, ElementsAre(3, 5, 8, 10));
  EXPECT_EQ(schedule.epoch(12), 1);
  EXPECT_EQ(schedule.epoch(9), 0);
}

TEST(RunScheduleTest, ABatchLargerThanTheDatasetEndsAnEpochEachStep) {
  const RunSchedule schedule(config_of(3, 25), 10, false, {});
  EXPECT_THAT(
      steps_where(schedule, 25,
                  [&](auto step, auto cursor) { return schedule.checkpoint_due(step, cursor); }),
      ElementsAre(1, 2, 3));
}

TEST(RunScheduleTest, PeriodsAndTheLastStepAreDue) {
  Config config = config_of(10, 1);
  config.checkpoint_every = 4;
  config.eval_every = 3;
  config.log_every = 5;
  const RunSchedule schedule(config, 1000, true, {});
  EXPECT_THAT(
      steps_where(schedule, 1, [&](auto s, auto c) { return schedule.checkpoint_due(s, c); }),
      ElementsAre(4, 8, 10));
  EXPECT_THAT(
      steps_where(schedule, 1, [&](auto s, auto c) { return schedule.evaluation_due(s, c); }),
      ElementsAre(3, 6, 9, 10));
  EXPECT_THAT(steps_where(schedule, 1, [&](auto s, auto) { return schedule.log_due(s); }),
              ElementsAre(5, 10));
}

TEST(RunScheduleTest, NothingIsEvaluatedWhereNothingIsHeldOut) {
  const RunSchedule schedule(config_of(3, 1), 2, false, {});
  EXPECT_FALSE(schedule.evaluation_due(3, 3));
}

TEST(RunScheduleTest, AutoLogsEveryStepOfAShortRunAndAThousandOfALongOne) {
  EXPECT_TRUE(RunSchedule(config_of(1000, 1), 10, false, {}).log_due(7));
  const RunSchedule schedule(config_of(10000, 1), 10, false, {});
  EXPECT_FALSE(schedule.log_due(7));
  EXPECT_TRUE(schedule.log_due(70));
}

TEST(RunScheduleTest, EpochsAreCountedInStepsRoundedUp) {
  Config config = config_of(1, 4);
  config.num_epochs = 3;
  EXPECT_EQ(RunSchedule(config, 10, false, {}).num_steps(), 8);
  config.batch_size = 10;
  const RunProgress half_way{.step = 4, .cursor = 16, .history = {}};
  EXPECT_EQ(RunSchedule(config, 10, false, half_way).num_steps(), 4 + 2);
}

TEST(RunScheduleTest, CountsThatNoRunReachesDoNotOverflow) {
  Config config = config_of(1, 1);
  config.num_epochs = 1'000'000'000;
  const RunProgress late{.step = INT64_MAX / 2, .cursor = 0, .history = {}};
  EXPECT_EQ(RunSchedule(config, INT64_MAX / 4, false, late).num_steps(), INT64_MAX);
  config.batch_size = INT32_MAX;
  EXPECT_EQ(RunSchedule(config, 10, false, {}).earlier_epoch(INT64_MAX / 2, INT64_MAX / 2), 0);
  EXPECT_EQ(RunSchedule(config_of(9, 4), 10, false, {}).earlier_epoch(36, 3), 2);
}

TEST(RunScheduleTest, PatienceCountsEvaluationsSinceTheBest) {
  Config config = config_of(10, 1);
  config.early_stop_patience = 2;
  const RunSchedule schedule(config, 10, true, {});
  TrainingHistory history;
  for (const auto& [loss, over] : std::vector<std::pair<double, bool>>{
           {3.0, false}, {2.0, false}, {2.0, false}, {2.5, true}}) {
    history.val_steps.push_back(std::ssize(history.val_steps) + 1);
    history.val_losses.push_back(loss);
    EXPECT_EQ(schedule.patience_is_over(history), over) << history.val_losses.size();
  }
}

TEST(RunScheduleTest, ALongerRunForgetsTheLastReportOfAShorterOne) {
  Config config = config_of(20, 1);
  config.log_every = 4;
  config.eval_every = 6;
  RunProgress progress{.step = 10,
                       .cursor = 10,
                       .history = {.steps = {4, 6, 8, 10},
                                   .losses = {1, 2, 3, 4},
                                   .val_steps = {6, 10},
                                   .val_losses = {5, 6}}};
  RunSchedule(config, 1000, true, progress).forget_what_was_not_due(progress);
  EXPECT_THAT(progress.history.steps, ElementsAre(4, 6, 8));
  EXPECT_THAT(progress.history.losses, ElementsAre(1, 2, 3));
  EXPECT_THAT(progress.history.val_steps, ElementsAre(6));
}

}  // namespace
}  // namespace microgpt
