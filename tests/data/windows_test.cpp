// Mode `text`: the file is one stream, cut into consecutive windows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

TEST(Windows, PredictEachCharacterOnceFromTheOnesBefore) {
  struct Case {
    std::string_view bytes;
    std::int64_t block_size;
    std::vector<std::string> documents;
  };
  for (const auto& [bytes, block_size, documents] : {
           Case{"abcdefg", 3, {"|abc", "cdef", "fg|"}},  // a last window that is shorter
           Case{"abcde", 3, {"|abc", "cde|"}},           // one that is full
           Case{"abcdef", 3, {"|abc", "cdef", "f|"}},    // one of BOS alone
           Case{"abc", 1, {"|a", "ab", "bc", "c|"}},
           Case{"abc", 4, {"|abc|"}},
           Case{"abc", 100, {"|abc|"}},
           Case{"a", 8, {"|a|"}},
           Case{"𝄞é\n", 2, {"|𝄞é", "é\n|"}},
       }) {
    const Dataset dataset = dataset_of(bytes, DocumentMode::text, block_size);
    EXPECT_EQ(written_out(dataset), documents) << bytes << ", block_size " << block_size;
  }
}

TEST(Windows, KeepBlanksAndLineEnds) {
  const auto dataset = dataset_of("\n a\r\n\rb \t\r\n", DocumentMode::text, 100);
  EXPECT_THAT(written_out(dataset), testing::ElementsAre("|\n a\n\nb \t\n|"));
  EXPECT_EQ(vocabulary(dataset.tokenizer()), "\t\n ab");
}

TEST(Windows, AreMadeOfAFileOfBlanks) {
  const auto dataset = dataset_of("\n\n\n", DocumentMode::text, 2);
  EXPECT_THAT(written_out(dataset), testing::ElementsAre("|\n\n", "\n\n|"));
  EXPECT_EQ(dataset.tokenizer().vocab_size(), 2);
}

TEST(Windows, CoverTheStreamWithoutGapOrOverlap) {
  const std::string bytes(1000, 'x');
  for (std::int64_t block_size = 1; block_size <= 70; ++block_size) {
    const auto dataset = dataset_of(bytes, DocumentMode::text, block_size);
    std::int64_t offset = 0;
    for (const Document& window : dataset.documents()) {
      EXPECT_EQ(window.offset, offset);
      EXPECT_GE(window.length, 1);
      EXPECT_LE(window.length, block_size);
      offset += window.length;
    }
    EXPECT_EQ(offset, 1001) << block_size;  // each character and the BOS behind them
    EXPECT_EQ(dataset.documents().size(),
              static_cast<std::size_t>((1001 + block_size - 1) / block_size));
  }
}

}  // namespace
}  // namespace microgpt
