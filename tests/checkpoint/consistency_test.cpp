// Contents that contradict each other, one by one, and the fault that is found.
#include "checkpoint/consistency.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <ostream>

#include "checkpoint/small_checkpoint.hpp"

namespace microgpt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using State = ModelState<double>;

struct Case {
  const char* name;
  std::function<void(CheckpointInfo&, State&)> spoil;
};

std::ostream& operator<<(std::ostream& stream, const Case& fault) { return stream << fault.name; }

class ConsistencyTest : public testing::TestWithParam<Case> {};

TEST_P(ConsistencyTest, FindsTheFault) {
  CheckpointInfo info = small_info(Precision::float64);
  State state = small_state<double>(info);
  GetParam().spoil(info, state);
  EXPECT_TRUE(find_fault(info, state).has_value());
}

const Case fault_cases[] = {
    {"VersionOfTwoLines", [](auto& info, auto&) { info.program_version = "0.1\n0.2"; }},
    {"EndlessBuild", [](auto& info, auto&) { info.build = std::string(1000, 'x'); }},
    {"BatchOfThreads", [](auto& info, auto&) { info.config.batch_size.reset(); }},
    {"NegativeStep",
     [](auto& info, auto&) {
       info.step = -1;
       info.history = {};
     }},
    {"StepThatNoRunReaches", [](auto& info, auto&) { info.step = INT64_MAX / 2 + 1; }},
    {"CursorThatNoRunReaches", [](auto& info, auto&) { info.cursor = INT64_MAX / 2 + 1; }},
    {"NegativeEpoch", [](auto& info, auto&) { info.epoch = -1; }},
    {"NoDocuments", [](auto& info, auto&) { info.documents = 0; }},
    {"NegativeCursor", [](auto& info, auto&) { info.cursor = -1; }},
    {"ShortDigest", [](auto& info, auto&) { info.dataset_sha256.pop_back(); }},
    {"DigestWithLetters", [](auto& info, auto&) { info.dataset_sha256[3] = 'g'; }},
    {"NoCharacters", [](auto& info, auto&) { info.code_points.clear(); }},
    {"CharactersOutOfOrder",
     [](auto& info, auto&) { std::swap(info.code_points[0], info.code_points[1]); }},
    {"OneCharacterTwice", [](auto& info, auto&) { info.code_points[1] = info.code_points[0]; }},
    {"Surrogate", [](auto& info, auto&) { info.code_points[3] = 0xd800; }},
    {"BeyondUnicode", [](auto& info, auto&) { info.code_points[3] = 0x110000; }},
    {"PositionBehindTheEnd", [](auto& info, auto&) { info.random.position = 625; }},
    {"InfiniteGauss", [](auto& info, auto&) { info.random.gauss_next = kInfinity; }},
    {"StepWithoutLoss", [](auto& info, auto&) { info.history.losses.pop_back(); }},
    {"ValLossWithoutStep", [](auto& info, auto&) { info.history.val_steps.pop_back(); }},
    {"StepTwice", [](auto& info, auto&) { info.history.steps[1] = info.history.steps[0]; }},
    {"StepBeforeTheFirst", [](auto& info, auto&) { info.history.steps[0] = 0; }},
    {"StepOfTheFuture", [](auto& info, auto&) { info.history.val_steps[1] = 21; }},
    {"InfiniteLoss", [](auto& info, auto&) { info.history.losses[0] = kInfinity; }},
    {"OtherPrecision", [](auto& info, auto&) { info.config.precision = Precision::float32; }},
    {"OtherShape", [](auto& info, auto&) { info.config.block_size = 4; }},
    {"InfiniteParameter",
     [](auto&, State& state) { state.parameters.values().back() = kInfinity; }},
    {"InfiniteFirstMoment", [](auto&, State& state) { state.m.values().back() = -kInfinity; }},
    {"SecondMomentThatIsNoNumber",
     [](auto&, State& state) { state.v.values()[7] = std::numeric_limits<double>::quiet_NaN(); }},
    {"NegativeSecondMoment", [](auto&, State& state) { state.v.values()[0] = -1e-300; }},
};

INSTANTIATE_TEST_SUITE_P(Faults, ConsistencyTest, testing::ValuesIn(fault_cases),
                         [](const auto& fault) { return fault.param.name; });

TEST(ConsistentCheckpointTest, HasNoFault) {
  CheckpointInfo info = small_info(Precision::float64);
  EXPECT_EQ(find_fault(info, small_state<double>(info)), std::nullopt);
  info.step = info.epoch = info.cursor = 0;
  info.history = {};
  info.random = {};
  EXPECT_EQ(find_fault(info, small_state<double>(info)), std::nullopt);
}

}  // namespace
}  // namespace microgpt
