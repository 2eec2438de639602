// Python's idea of a text file: line ends, blanks, UTF-8.
#include "data/text_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

TextFile read(std::string_view bytes) {
  const TemporaryFolder folder;
  return read_text_file(folder.file("names.txt", bytes));
}

TEST(TextFileTest, HasPythonsLineEnds) {
  struct Case {
    std::string_view bytes;
    std::u32string_view text;
  };
  for (const auto& [bytes, text] : {
           Case{"", U""}, Case{"ann", U"ann"}, Case{"ann\nbob\n", U"ann\nbob\n"},
           Case{"ann\r\nbob\r\n", U"ann\nbob\n"}, Case{"ann\rbob\r", U"ann\nbob\n"},
           Case{"\r\r\n\n\r", U"\n\n\n\n"}, Case{"\n\r", U"\n\n"},
           Case{"a\vb\fc\x1c\xc2\x85\xe2\x80\xa8", U"a\vb\fc\x1c\x85\u2028"},  // no line ends
       }) {
    EXPECT_EQ(read(bytes).text, text);
  }
}

TEST(TextFileTest, ReadsEveryLengthOfUtf8) {
  struct Case {
    std::string_view bytes;
    std::u32string_view text;
  };
  for (const auto& [bytes, text] : {
           Case{{"\0\x7f", 2}, {U"\0\x7f", 2}}, Case{"\xc2\x80\xdf\xbf", U"\x80\u07ff"},
           Case{"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", U"\u0800\ud7ff\ue000\uffff"},
           Case{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", U"\U00010000\U0010ffff"},
           Case{"\xef\xbb\xbfhi", U"\ufeffhi"},  // a byte order mark is a character, as in Python
       }) {
    EXPECT_EQ(read(bytes).text, text);
    EXPECT_EQ(to_utf8(text), bytes);
  }
}

struct BadUtf8 {
  std::string_view bytes;
  std::string_view place;  // line and byte as the message says them
};

void expect_refusals(const std::vector<BadUtf8>& files) {
  const TemporaryFolder folder;
  for (const auto& [bytes, place] : files) {
    const auto file = folder.file("names.txt", bytes);
    EXPECT_EQ(
        folder.refusal([&] { return read_text_file(file); }),
        "names.txt:" + std::string(place) + "; convert the file, for instance with iconv -t UTF-8");
  }
}

TEST(TextFileTest, NamesTheLineThatIsNotUtf8) {
  expect_refusals({
      {"caf\xe9\n", "1: not UTF-8 (byte 0xe9)"},            // Latin-1
      {"ann\n\xff\n", "2: not UTF-8 (byte 0xff)"},          // never a byte of UTF-8
      {"ann\nbob\n\x80", "3: not UTF-8 (byte 0x80)"},       // nothing to continue
      {"ann\nbob\n\xe2\x82", "3: not UTF-8 (byte 0xe2)"},   // the file ends within
      {"\n\n\n\xe2\x82\n", "4: not UTF-8 (byte 0xe2)"},     // the line ends within
      {"é\n\xc0\xaf\n", "2: not UTF-8 (byte 0xc0)"},        // longer than need be
      {"é\n\xed\xa0\x80\n", "2: not UTF-8 (byte 0xed)"},    // a surrogate
      {"é\n\xf4\x90\x80\x80", "2: not UTF-8 (byte 0xf4)"},  // above U+10FFFF
  });
}

TEST(TextFileTest, CountsEveryKindOfLineEndUpToWhatIsNotUtf8) {
  expect_refusals({
      {"ann\r\nbob\r\n\xff\r\n", "3: not UTF-8 (byte 0xff)"},
      {"ann\rbob\r\xff\r", "3: not UTF-8 (byte 0xff)"},
      {"ann\rbob\r\ncat\n\r\xff\n", "5: not UTF-8 (byte 0xff)"},
  });
}

// Digests by sha256sum: of the bytes as they are, before line ends are translated.
TEST(TextFileTest, DigestsTheBytesOfTheFile) {
  EXPECT_EQ(read("ann\nbob\n").sha256,
            "96d7d896bf82d0eb9e36764b3b477bc6a07a2301eda20b31475fb0cba5d41361");
  EXPECT_EQ(read("ann\r\nbob\r\n").sha256,
            "b300111b4a6873cf7f5a7c1f7c3d54c558d4c5510bcdff188bb1dce0efa49728");
  EXPECT_EQ(dataset_of("ann\r\nbob\r\n", DocumentMode::lines, 8).sha256(),
            "b300111b4a6873cf7f5a7c1f7c3d54c558d4c5510bcdff188bb1dce0efa49728");
}

TEST(TextFileTest, CountsLinesFromOne) {
  const std::u32string_view text = U"ann\n\nbob";
  EXPECT_EQ(line_number(text, 0), 1);
  EXPECT_EQ(line_number(text, 3), 1);  // the line end is on the line that it ends
  EXPECT_EQ(line_number(text, 4), 2);
  EXPECT_EQ(line_number(text, 5), 3);
  EXPECT_EQ(line_number(text, text.size()), 3);
}

TEST(TextFileTest, ShowsACharacterThatCanBeShown) {
  struct Case {
    char32_t character;
    std::string_view description;
  };
  for (const auto& [character, description] : {
           Case{U'a', "'a' (U+0061)"},
           Case{U'é', "'é' (U+00E9)"},
           Case{U'𝄞', "'𝄞' (U+1D11E)"},
           Case{U'\0', "U+0000"},
           Case{U'\x1b', "U+001B"},
           Case{U' ', "U+0020"},
           Case{U'\x7f', "U+007F"},
           Case{0x9b, "U+009B"},
           Case{0xa0, "U+00A0"},
           Case{0x3000, "U+3000"},
       }) {
    EXPECT_EQ(describe_character(character), description);
  }
}

}  // namespace
}  // namespace microgpt
