// Characters to tokens and back.
#include "microgpt/tokenizer.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

TEST(TokenizerTest, SortsTheSetOfCharactersByCodePoint) {
  struct Case {
    std::u32string_view text;
    std::vector<char32_t> code_points;
  };
  for (const auto& [text, code_points] : {
           Case{U"", {}},
           Case{U"a", {U'a'}},
           Case{U"banana", {U'a', U'b', U'n'}},
           Case{U"zZ a\n\t", {U'\t', U'\n', U' ', U'Z', U'a', U'z'}},
           Case{U"𝄞é￿€e", {U'e', U'é', U'€', U'\uffff', U'𝄞'}},
           Case{{U"\U0010ffff\0\x7f", 3}, {U'\0', U'\x7f', U'\U0010ffff'}},
       }) {
    const auto tokenizer = Tokenizer::of_text(text);
    EXPECT_EQ(tokenizer.code_points(), code_points);
    EXPECT_EQ(tokenizer.bos(), static_cast<Token>(code_points.size()));
    EXPECT_EQ(tokenizer.vocab_size(), static_cast<std::int64_t>(code_points.size()) + 1);
  }
}

TEST(TokenizerTest, TurnsCharactersToTokensAndBack) {
  const auto tokenizer = Tokenizer::of_text(U"é𝄞ba");
  Token expected = 0;
  for (const char32_t character : {U'a', U'b', U'é', U'𝄞'}) {
    EXPECT_EQ(tokenizer.encode(character), expected);
    EXPECT_EQ(tokenizer.decode(expected), character);
    ++expected;
  }
  for (const char32_t character : {U'c', U'A', U'\0', U'\U0010ffff'}) {
    EXPECT_EQ(tokenizer.encode(character), std::nullopt);
  }
}

TEST(TokenizerTest, EncodesUtf8) {
  const auto tokenizer = Tokenizer::of_text(U"é𝄞ba");
  struct Case {
    std::string_view text;
    std::vector<Token> tokens;
  };
  for (const auto& [text, tokens] : {
           Case{"", {}},
           Case{"abba", {0, 1, 1, 0}},
           Case{"𝄞aé", {3, 0, 2}},
       }) {
    EXPECT_EQ(tokenizer.encode_text(text, "--prompt"), tokens) << text;
  }
}

TEST(TokenizerTest, RefusesTextThatItCannotEncode) {
  const auto tokenizer = Tokenizer::of_text(U"é𝄞ba");
  struct Case {
    std::string_view text, message;
  };
  for (const auto& [text, message] : {
           Case{"abcd",
                "--prompt: the model does not know the character 'c' (U+0063); "
                "it knows 4 others"},
           Case{"a€",
                "--prompt: the model does not know the character '€' (U+20AC); "
                "it knows 4 others"},
           Case{"🙂",
                "--prompt: the model does not know the character '🙂' (U+1F642); "
                "it knows 4 others"},
           Case{"a b", "--prompt: the model does not know the character U+0020; it knows 4 others"},
           Case{"a\n", "--prompt: the model does not know the character U+000A; it knows 4 others"},
           Case{"a\xff", "--prompt: is not UTF-8"},
           Case{"caf\xe9", "--prompt: is not UTF-8"},
           Case{"\xf0\x9d\x84", "--prompt: is not UTF-8"},
       }) {
    const TemporaryFolder folder;
    EXPECT_EQ(folder.refusal([&, t = text] { return tokenizer.encode_text(t, "--prompt"); }),
              message);
  }
}

}  // namespace
}  // namespace microgpt
