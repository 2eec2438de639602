// Mode `lines`: a document for each stripped line that is not empty.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

using ::testing::ElementsAre;

TEST(Lines, AreDocumentsWhateverStandsAroundThem) {
  struct Case {
    std::string_view bytes;
    std::vector<std::string> documents;
  };
  for (const auto& [bytes, documents] : {
           Case{"ann\nbob\n", {"|ann|", "|bob|"}},
           Case{"ann\nbob", {"|ann|", "|bob|"}},  // no line end at the end
           Case{"ann\r\nbob\r\n", {"|ann|", "|bob|"}},
           Case{"ann\rbob\r", {"|ann|", "|bob|"}},
           Case{"\n\n ann \n\t\n\n\u3000bob\x1f\n\n", {"|ann|", "|bob|"}},
           Case{"ann", {"|ann|"}},
           Case{"a", {"|a|"}},
           Case{"ann\nann\nann\n", {"|ann|", "|ann|", "|ann|"}},
           Case{"Jo Ann\n", {"|Jo Ann|"}},
           Case{"ann\fbob\u2028cat\n", {"|ann\fbob\u2028cat|"}},  // no line ends to Python
           Case{"zoë\n𝄞\n", {"|zoë|", "|𝄞|"}},
           Case{"\ufeffann\n", {"|\ufeffann|"}},
       }) {
    const Dataset dataset = dataset_of(bytes, DocumentMode::lines, 16);
    EXPECT_EQ(written_out(dataset), documents) << bytes;
  }
}

// n = min(block_size, characters + 1) positions, so n + 1 tokens.
TEST(Lines, AreCutToBlockSize) {
  struct Case {
    std::int64_t block_size;
    std::vector<std::string> documents;
  };
  for (const auto& [block_size, documents] : {
           Case{1, {"|a", "|a", "|a"}},
           Case{2, {"|a|", "|ab", "|ab"}},
           Case{3, {"|a|", "|ab|", "|abc"}},
           Case{4, {"|a|", "|ab|", "|abcd"}},
           Case{5, {"|a|", "|ab|", "|abcde"}},
           Case{6, {"|a|", "|ab|", "|abcde|"}},
           Case{100, {"|a|", "|ab|", "|abcde|"}},
       }) {
    const auto dataset = dataset_of("a\nab\nabcde\n", DocumentMode::lines, block_size);
    EXPECT_EQ(written_out(dataset), documents) << block_size;
  }
}

TEST(Lines, AreNoLongerThanTheLongestDocument) {
  for (const auto& [block_size, longest] : {std::pair{1, 1}, {4, 4}, {5, 5}, {6, 5}, {1000, 5}}) {
    const auto dataset = dataset_of("ab\nabcd\nabc\n", DocumentMode::lines, block_size);
    EXPECT_EQ(dataset.longest_document(), longest) << block_size;
  }
}

TEST(Lines, GiveTheVocabularyAlsoWhatIsCutOff) {
  const auto dataset = dataset_of("  bca zyx \nab\n", DocumentMode::lines, 2);
  EXPECT_THAT(written_out(dataset), ElementsAre("|bc", "|ab"));
  EXPECT_EQ(vocabulary(dataset.tokenizer()), " abcxyz");  // the blank within, not those around
}

TEST(Lines, GiveNoLineEndsToTheVocabulary) {
  const auto dataset = dataset_of("\tann\r\n\r\n bob \r", DocumentMode::lines, 8);
  EXPECT_EQ(vocabulary(dataset.tokenizer()), "abno");
}

TEST(Lines, ShareTheBosBetweenNeighbours) {
  const auto dataset = dataset_of("ab\nb\n", DocumentMode::lines, 8);
  EXPECT_THAT(dataset.stream(), ElementsAre(2, 0, 1, 2, 1, 2));
  EXPECT_EQ(dataset.documents()[1].offset, 3);
}

TEST(Lines, KeepTheOrderOfALongFile) {
  std::string bytes;
  std::vector<std::string> expected;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = std::to_string(i);
    bytes.append(name).append("\n");
    expected.push_back(std::string("|").append(name).append("|"));
  }
  EXPECT_EQ(written_out(dataset_of(bytes, DocumentMode::lines, 8)), expected);
}

TEST(Lines, AreReadWithTheTokenizerOfAModel) {
  const TemporaryFolder folder;
  const auto tokenizer = Tokenizer::of_text(U"abcdefghijklmnopqrstuvwxyz");
  const auto dataset =
      Dataset::load(folder.file("names.txt", "bob\n"), DocumentMode::lines, 8, tokenizer);
  EXPECT_THAT(dataset.stream(), ElementsAre(26, 1, 14, 1, 26));
  EXPECT_EQ(dataset.tokenizer().code_points(), tokenizer.code_points());
}

}  // namespace
}  // namespace microgpt
