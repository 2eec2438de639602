// Asking for memory before taking it.
#include "base/available_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

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

TEST(AvailableMemory, IsNoMoreThanAResourceLimitLeaves) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer reserves more address space than any limit allows";
#endif
  const AddressSpaceLimit limit(static_cast<rlim_t>(900 * kMebibyte));
  EXPECT_LT(*available_memory(), 900 * kMebibyte);
  EXPECT_GE(*available_memory(), 0);
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

TEST(BytesInWords, NamesTheLargestUnitThatFits) {
  EXPECT_EQ(bytes_in_words(0), "0 B");
  EXPECT_EQ(bytes_in_words(1023), "1023 B");
  EXPECT_EQ(bytes_in_words(1024), "1.0 KiB");
  EXPECT_EQ(bytes_in_words(3 * kMebibyte / 2), "1.5 MiB");
  EXPECT_EQ(bytes_in_words(std::numeric_limits<std::int64_t>::max()), "8.0 EiB");
}

}  // namespace
}  // namespace microgpt
