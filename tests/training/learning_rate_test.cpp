// The schedules at points whose values are known.
#include "training/learning_rate.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace microgpt {
namespace {

Config with_schedule(LrSchedule schedule, std::int64_t warmup_steps = 0) {
  Config config;
  config.learning_rate = 0.5;
  config.lr_schedule = schedule;
  config.warmup_steps = warmup_steps;
  return config;
}

TEST(LearningRateTest, CosineFallsFromTheFullRateToNearlyNothing) {
  const Config config = with_schedule(LrSchedule::cosine);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 0, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 50, 100), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 25, 100), 0.25 * (1 + std::sqrt(0.5)));
  EXPECT_GT(learning_rate_at(config, 99, 100), 0.0);
}

TEST(LearningRateTest, LinearFallsInEqualSteps) {
  const Config config = with_schedule(LrSchedule::linear);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 0, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 75, 100), 0.125);
}

TEST(LearningRateTest, ConstantStays) {
  EXPECT_DOUBLE_EQ(learning_rate_at(with_schedule(LrSchedule::constant), 99, 100), 0.5);
}

TEST(LearningRateTest, WarmupScalesTheFirstSteps) {
  const Config config = with_schedule(LrSchedule::constant, 4);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 0, 100), 0.125);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 3, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 4, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(with_schedule(LrSchedule::linear, 4), 1, 100),
                   0.5 * 0.99 * 0.5);
}

}  // namespace
}  // namespace microgpt
