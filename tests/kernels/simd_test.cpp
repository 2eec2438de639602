// Parts of vectors: what is beyond them is neither read nor written. Multiply-adds: rounded once.
#include "kernels/simd.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

/// A page of memory right before one that can be neither read nor written.
template <class Scalar>
class LastOnItsPage {
 public:
  LastOnItsPage() {
    pages_ = mmap(nullptr, 2 * bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages_ == MAP_FAILED) throw std::runtime_error("no memory for two pages");
    if (mprotect(static_cast<std::byte*>(pages_) + bytes_, bytes_, PROT_NONE) != 0) {
      throw std::runtime_error("no page without access");
    }
  }
  ~LastOnItsPage() { munmap(pages_, 2 * bytes_); }
  LastOnItsPage(const LastOnItsPage&) = delete;
  LastOnItsPage& operator=(const LastOnItsPage&) = delete;

  /// The last `count` scalars of the page.
  [[nodiscard]] Scalar* last(Index count) const {
    return reinterpret_cast<Scalar*>(static_cast<std::byte*>(pages_) + bytes_) - count;
  }

 private:
  std::size_t bytes_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* pages_;
};

template <class Scalar>
class PartOfAVectorTest : public ::testing::Test {
 protected:
  LastOnItsPage<Scalar> page_;
};

TYPED_TEST_SUITE(PartOfAVectorTest, Scalars);

TYPED_TEST(PartOfAVectorTest, IsLoadedBesideZeros) {
  for (Index count = 0; count <= kLanes<TypeParam>; ++count) {
    TypeParam* const from = this->page_.last(count);
    for (Index i = 0; i < count; ++i) from[i] = static_cast<TypeParam>(i + 1);
    const Vector<TypeParam> loaded = load_partial(from, count);
    for (Index i = 0; i < kLanes<TypeParam>; ++i) {
      EXPECT_EQ(loaded[i], i < count ? static_cast<TypeParam>(i + 1) : 0) << i << " of " << count;
    }
  }
}

TYPED_TEST(PartOfAVectorTest, IsStoredAndNothingElse) {
  const Vector<TypeParam> vector = lane_numbers<TypeParam>() + 1;
  for (Index count = 0; count <= kLanes<TypeParam>; ++count) {
    TypeParam* const before = this->page_.last(count) - 1;
    *before = -1;
    store_partial(before + 1, vector, count);
    EXPECT_EQ(*before, -1) << count;
    for (Index i = 0; i < count; ++i) EXPECT_EQ(before[1 + i], vector[i]) << i << " of " << count;

    TypeParam* const whole = this->page_.last(kLanes<TypeParam>);
    std::fill_n(whole, kLanes<TypeParam>, TypeParam{-1});
    store_partial(whole, vector, count);
    for (Index i = count; i < kLanes<TypeParam>; ++i) EXPECT_EQ(whole[i], -1) << count;
  }
}

template <class Scalar>
class WholeVectorTest : public ::testing::Test {};

TYPED_TEST_SUITE(WholeVectorTest, Scalars);

TYPED_TEST(WholeVectorTest, HoldsWhatIsBroadcastWithItsSign) {
  for (const TypeParam x : {TypeParam(1.5), TypeParam(0.0), TypeParam(-0.0)}) {
    const Vector<TypeParam> vector = broadcast(x);
    for (Index i = 0; i < kLanes<TypeParam>; ++i) {
      EXPECT_EQ(vector[i], x);
      EXPECT_EQ(std::signbit(vector[i]), std::signbit(x));
    }
  }
}

// (1 + e)² - (1 + 2e) is e², which a rounded product has lost; what is not written as fma loses it.
TYPED_TEST(WholeVectorTest, MultipliesAndAddsWithOneRoundingWhereItSaysSo) {
#if !defined(__FMA__) && !defined(__aarch64__)
  GTEST_SKIP() << "this build has no fused multiply-add";
#endif
  const TypeParam e = std::numeric_limits<TypeParam>::epsilon();
  const Vector<TypeParam> a = broadcast<TypeParam>(1 + e), c = broadcast<TypeParam>(-1 - 2 * e);
  const Vector<TypeParam> fused = fma<TypeParam>(a, a, c);
  const Vector<TypeParam> of_scalar = fma<TypeParam>(a, 1 + e, c);
  const Vector<TypeParam> apart = a * a + c;
  for (Index i = 0; i < kLanes<TypeParam>; ++i) {
    EXPECT_EQ(fused[i], e * e);
    EXPECT_EQ(of_scalar[i], e * e);
    EXPECT_EQ(apart[i], 0);
  }
}

}  // namespace
}  // namespace microgpt::kernels
