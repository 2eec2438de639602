// Memory for numbers: where it begins, and what it holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "microgpt/aligned_buffer.hpp"

namespace microgpt {
namespace {

std::uintptr_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

TEST(LineMemory, BeginsWithACacheLine) {
  for (const std::size_t bytes : {1U, 64U, 100U, 5000U, 1U << 20U}) {
    void* const memory = line_memory::allocate(bytes);
    EXPECT_EQ(address(memory) % 64, 0U) << bytes;
    line_memory::release(memory, bytes);
  }
}

TEST(LineMemory, BeginsWithAHugePageWhereItHoldsOne) {
  for (const std::size_t bytes : {std::size_t{1} << 21U, (std::size_t{5} << 20U) + 64}) {
    void* const memory = line_memory::allocate(bytes);
    EXPECT_EQ(address(memory) % (1U << 21U), 0U) << bytes;
    line_memory::release(memory, bytes);
  }
}

TEST(AlignedBuffer, HoldsZerosUpToTheEndOfItsLastLine) {
  for (const std::size_t size : {0U, 1U, 16U, 17U, 1'000'000U}) {
    const AlignedBuffer<float> buffer(size);
    EXPECT_EQ(buffer.size(), size);
    const std::size_t in_lines = AlignedBuffer<float>::lines(size) * 16;
    EXPECT_GE(in_lines, size);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + in_lines,
                            [](float value) { return value == 0; }));
  }
}

TEST(AlignedBuffer, KeepsItsNumbersWhenItIsMoved) {
  AlignedBuffer<double> from(400'000);
  from.values().back() = 7;
  const double* const data = from.data();
  AlignedBuffer<double> to(3);
  to = std::move(from);
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.values().back(), 7);
  EXPECT_TRUE(from.values().empty());  // NOLINT(bugprone-use-after-move): nothing of it is left
}

}  // namespace
}  // namespace microgpt
