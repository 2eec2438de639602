// A checkpoint gives back what was written, bit for bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "checkpoint/small_checkpoint.hpp"
#include "checkpoint/temporary_folder.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using testing::HasSubstr;

template <class Scalar>
constexpr Precision kPrecision =
    std::is_same_v<Scalar, float> ? Precision::float32 : Precision::float64;

template <class Scalar>
bool same_bits(const AlignedBuffer<Scalar>& one, const AlignedBuffer<Scalar>& other) {
  return one.size() == other.size() &&
         std::memcmp(one.data(), other.data(), one.size() * sizeof(Scalar)) == 0;
}

void expect_same(const CheckpointInfo& read, const CheckpointInfo& written) {
  EXPECT_EQ(read.program_version, written.program_version);
  EXPECT_EQ(read.build, written.build);
  EXPECT_EQ(to_yaml(read.config), to_yaml(written.config));
  EXPECT_EQ(read.step, written.step);
  EXPECT_EQ(read.epoch, written.epoch);
  EXPECT_EQ(read.documents, written.documents);
  EXPECT_EQ(read.dataset_sha256, written.dataset_sha256);
  EXPECT_EQ(read.cursor, written.cursor);
  EXPECT_EQ(read.code_points, written.code_points);
  EXPECT_EQ(read.random, written.random);
  EXPECT_EQ(read.history, written.history);
}

template <class Scalar>
void expect_same(const AnyModelState& read, const ModelState<Scalar>& written) {
  const auto* state = std::get_if<ModelState<Scalar>>(&read);
  ASSERT_NE(state, nullptr) << "read in another precision";
  EXPECT_TRUE(same_bits(state->parameters, written.parameters));
  EXPECT_TRUE(same_bits(state->m, written.m));
  EXPECT_TRUE(same_bits(state->v, written.v));
}

template <class Scalar>
class RoundTripTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  CheckpointInfo info_ = small_info(kPrecision<Scalar>);
};

using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(RoundTripTest, Scalars);

TYPED_TEST(RoundTripTest, ReadsWhatWasWritten) {
  const auto state = small_state<TypeParam>(this->info_);
  write_checkpoint(this->folder_ / "step.h5", this->info_, state);
  const Checkpoint checkpoint = read_checkpoint(this->folder_ / "step.h5");
  expect_same(checkpoint.info, this->info_);
  expect_same(checkpoint.state, state);
  EXPECT_THAT(this->folder_.names(), testing::ElementsAre("step.h5"));
}

TYPED_TEST(RoundTripTest, WritesTheSameBytesEachTime) {
  const auto state = small_state<TypeParam>(this->info_);
  write_checkpoint(this->folder_ / "one.h5", this->info_, state);
  mallopt(M_PERTURB, 0x55);  // fills what nobody writes
  std::this_thread::sleep_for(
      std::chrono::milliseconds(1001));  // HDF5's time stamps are in seconds
  write_checkpoint(this->folder_ / "other.h5", this->info_, state);
  mallopt(M_PERTURB, 0);
  EXPECT_TRUE(read_bytes(this->folder_ / "one.h5") == read_bytes(this->folder_ / "other.h5"));
}

TYPED_TEST(RoundTripTest, KeepsTheExtremesOfTheNumbers) {
  using Limits = std::numeric_limits<TypeParam>;
  auto state = small_state<TypeParam>(this->info_);
  const auto values = state.parameters.values();
  values[0] = Limits::max();
  values[1] = Limits::lowest();
  values[2] = Limits::denorm_min();
  values[3] = -TypeParam{0};
  write_checkpoint(this->folder_ / "step.h5", this->info_, state);
  expect_same(read_checkpoint(this->folder_ / "step.h5").state, state);
}

TYPED_TEST(RoundTripTest, KeepsWhatIsEmptyOrLong) {
  this->info_.random.gauss_next.reset();
  this->info_.history = {};
  this->info_.build.clear();
  this->info_.config.dataset = "/" + std::string(100'000, 'x');  // longer than one heap of HDF5
  const auto state = small_state<TypeParam>(this->info_);
  write_checkpoint(this->folder_ / "step.h5", this->info_, state);
  const Checkpoint checkpoint = read_checkpoint(this->folder_ / "step.h5");
  expect_same(checkpoint.info, this->info_);
  expect_same(checkpoint.state, state);
}

TYPED_TEST(RoundTripTest, KeepsManyLayers) {
  this->info_.config.n_layer = 50;
  const auto state = small_state<TypeParam>(this->info_);
  write_checkpoint(this->folder_ / "step.h5", this->info_, state);
  expect_same(read_checkpoint(this->folder_ / "step.h5").state, state);
}

TEST(WriteCheckpointTest, ReplacesAFormerOne) {
  const TemporaryFolder folder;
  CheckpointInfo info = small_info(Precision::float32);
  const auto state = small_state<float>(info);
  write_checkpoint(folder / "step.h5", info, state);
  info.cursor = 168;
  write_checkpoint(folder / "step.h5", info, state);
  EXPECT_EQ(read_checkpoint(folder / "step.h5").info.cursor, 168);
}

TEST(WriteCheckpointTest, WritesNothingThatCouldNotBeRead) {
  const TemporaryFolder folder;
  const CheckpointInfo info = small_info(Precision::float32);
  auto state = small_state<float>(info);
  write_checkpoint(folder / "step.h5", info, state);
  const std::string former = read_bytes(folder / "step.h5");
  state.parameters.values()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of<RunError>([&] { write_checkpoint(folder / "step.h5", info, state); }),
            (folder / "step.h5").string() +
                ": not written, since it could not be read: a parameter is not finite");
  EXPECT_TRUE(read_bytes(folder / "step.h5") == former);
}

TEST(WriteCheckpointTest, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  const CheckpointInfo info = small_info(Precision::float32);
  const auto path = folder / "absent" / "step.h5";
  EXPECT_THAT(message_of<RunError>([&] { write_checkpoint(path, info, small_state<float>(info)); }),
              testing::AllOf(HasSubstr(path.string()), HasSubstr("No such file or directory")));
}

TEST(ReadCheckpointTest, FollowsLinks) {
  const TemporaryFolder folder;
  const CheckpointInfo info = small_info(Precision::float64);
  write_checkpoint(folder / "step.h5", info, small_state<double>(info));
  std::filesystem::create_symlink("step.h5", folder / "latest.h5");
  EXPECT_EQ(read_checkpoint(folder / "latest.h5").info.step, info.step);
}

}  // namespace
}  // namespace microgpt
