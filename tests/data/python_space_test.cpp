// The characters that str.strip() takes away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

#include "data/text_file.hpp"

namespace microgpt {
namespace {

// CPython 3.11: [c for c in range(sys.maxunicode + 1) if chr(c).isspace()].
constexpr std::array<char32_t, 29> kPythonSpaces{
    0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x1c,   0x1d,   0x1e,   0x1f,   0x20,
    0x85,   0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
    0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};

TEST(PythonSpace, IsWhatPythonTakesForASpaceAmongAllCodePoints) {
  std::vector<char32_t> spaces;
  for (char32_t character = 0; character < 0x110000; ++character) {
    if (is_python_space(character)) spaces.push_back(character);
  }
  EXPECT_THAT(spaces, testing::ElementsAreArray(kPythonSpaces));
}

TEST(PythonSpace, IsStrippedFromBothEndsAndNowhereElse) {
  for (const char32_t space : kPythonSpaces) {
    const std::u32string blank(2, space);
    EXPECT_EQ(strip(blank), U"");
    EXPECT_EQ(strip(blank + U"ann"), U"ann");
    EXPECT_EQ(strip(U"ann" + blank), U"ann");
    EXPECT_EQ(strip(blank + U"a" + blank + U"n" + blank), U"a" + blank + U"n");
  }
}

TEST(PythonSpace, IsNotWhatOnlyLooksBlank) {
  // Zero-width space and joiner, word joiner, byte order mark, Hangul filler, NUL.
  for (const char32_t character : {U'\u200b', U'\u200d', U'\u2060', U'\ufeff', U'\u3164', U'\0'}) {
    const std::u32string text(1, character);
    EXPECT_EQ(strip(text), text);
  }
}

}  // namespace
}  // namespace microgpt
