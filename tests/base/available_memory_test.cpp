// Asking for memory before taking it.
#include "base/available_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "microgpt/error.hpp"

namespace microgpt {
namespace {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20U;

/// `ulimit -v`, until the end of the scope.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(rlim_t bytes) {
    getrlimit(RLIMIT_AS, &former_);
    const rlimit lower{bytes, former_.rlim_max};
    setrlimit(RLIMIT_AS, &lower);
  }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;
  ~AddressSpaceLimit() { setrlimit(RLIMIT_AS, &former_); }

 private:
  rlimit former_{};
};

TEST(AvailableMemory, IsKnownAndNotNothing) {
  ASSERT_TRUE(available_memory().has_value());
  EXPECT_GT(*available_memory(), kMebibyte);
}

TEST(AvailableMemory, IsNoMoreThanAContainerLeaves) {
  const auto left = left_of_container();
  if (!left) GTEST_SKIP() << "there is no limit here";
  EXPECT_LE(*available_memory() - 64 * kMebibyte, *left);  // a little may have come free meanwhile
}

TEST(AvailableMemory, IsNoMoreThanAResourceLimitLeaves) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves more address space than any limit allows";
#endif
  const AddressSpaceLimit limit(static_cast<rlim_t>(900 * kMebibyte));
  EXPECT_LT(*available_memory(), 900 * kMebibyte);
  EXPECT_GE(*available_memory(), 0);
}

/// A folder such as /sys/fs/cgroup.
class ContainerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cgroup-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "memory");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ / file) << text;
  }

  std::filesystem::path folder_;
};

TEST_F(ContainerTest, LeavesWhatItsLimitIsAboveWhatIsTaken) {
  write("memory.max", "1000000\n");
  write("memory.current", "300000\n");
  EXPECT_EQ(left_of_container(folder_), 700000);
  // Files kept in memory are given up for whoever needs it; shared memory is not.
  write("memory.stat",
        "anon 100000\nfile 200000\nshmem 50000\ninactive_anon 150000\ninactive_file 90000\n"
        "active_file 60000\n");
  EXPECT_EQ(left_of_container(folder_), 850000);
  write("memory.current", "2000000\n");
  EXPECT_EQ(left_of_container(folder_), 0);
}

TEST_F(ContainerTest, IsReadInItsFormerVersionToo) {
  write("memory/memory.limit_in_bytes", "1000000\n");
  write("memory/memory.usage_in_bytes", "400000\n");
  write("memory/memory.stat",
        "inactive_file 1\ntotal_inactive_file 100000\ntotal_active_file 50000\n");
  EXPECT_EQ(left_of_container(folder_), 750000);
}

// As under Slurm or systemd-run, where /sys/fs/cgroup shows the whole machine's.
TEST_F(ContainerTest, IsFoundWhereTheProcessIs) {
  std::filesystem::create_directories(folder_ / "job/step");
  std::filesystem::create_directories(folder_ / "memory/unit");
  write("membership", "3:cpu,cpuacct:/else\n1:name=systemd:/job\n0::/job/step\n");
  const auto left = [this] { return left_of_container(folder_, folder_ / "membership"); };
  EXPECT_EQ(left(), std::nullopt);
  write("job/step/memory.max", "1000000\n");
  write("job/step/memory.current", "100000\n");
  EXPECT_EQ(left(), 900000);
  write("job/memory.max", "500000\n");
  write("job/memory.current", "200000\n");
  EXPECT_EQ(left(), 300000);
  write("membership", "4:memory:/unit\n0::/\n");
  write("memory/unit/memory.limit_in_bytes", "70000\n");
  EXPECT_EQ(left(), 70000);
}

TEST_F(ContainerTest, WithoutALimitLeavesAllThereIs) {
  EXPECT_EQ(left_of_container(folder_), std::nullopt);
  write("memory.max", "max\n");
  write("memory.current", "300000\n");
  EXPECT_EQ(left_of_container(folder_), std::nullopt);
}

TEST(RequireMemory, TakesWhatThereIsAndRefusesMore) {
  require_memory(1, "a run", "shrink");
  try {
    require_memory(std::numeric_limits<std::int64_t>::max(), "a run", "shrink");
    FAIL() << "nothing was thrown";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(),
                testing::MatchesRegex(
                    "a run needs 8.0 EiB of memory, but [0-9.]+ [KMGT]iB are free: shrink"));
  }
}

TEST(RequireMemory, GivesEachProcessItsPart) {
  const std::int64_t most = *available_memory();
  require_memory(most / 8, "a run", "shrink", 4);
  try {
    require_memory(most / 2, "a run", "shrink", 4);
    FAIL() << "nothing was thrown";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(),
                testing::MatchesRegex("a run needs [^ ]+ [^ ]+ of memory, but [0-9.]+ [KMGT]iB "
                                      "are free for each: shrink"));
  }
}

TEST(BytesInWords, NamesTheLargestUnitThatFits) {
  EXPECT_EQ(bytes_in_words(0), "0 B");
  EXPECT_EQ(bytes_in_words(1023), "1023 B");
  EXPECT_EQ(bytes_in_words(1024), "1.0 KiB");
  EXPECT_EQ(bytes_in_words(3 * kMebibyte / 2), "1.5 MiB");
  EXPECT_EQ(bytes_in_words(std::numeric_limits<std::int64_t>::max()), "8.0 EiB");
}

}  // namespace
}  // namespace microgpt
