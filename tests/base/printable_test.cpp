// Text from outside, made fit for one line of a message.
#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace microgpt {
namespace {

TEST(Printable, LeavesTextOfEveryScript) {
  EXPECT_EQ(printable("plain 'text' \\ #1"), "plain 'text' \\ #1");
  EXPECT_EQ(printable("née Ångström 名前 🙂"), "née Ångström 名前 🙂");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, EscapesWhatWouldBreakTheLine) {
  using namespace std::string_view_literals;
  EXPECT_EQ(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(printable("\0\x1b[31m\x7f"sv), "\\u0000\\u001b[31m\\u007f");
  EXPECT_EQ(printable("\u0085\u2028\u202e"), "\\u0085\\u2028\\u202e");
}

TEST(Printable, EscapesEachByteThatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff\xc3("), "a\\xff\\xc3(");
  EXPECT_EQ(printable("cut \xe5\x90"), "cut \\xe5\\x90");
}

TEST(Excerpt, KeepsSixtyCharacters) {
  EXPECT_EQ(excerpt(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(excerpt(std::string(61, 'x')), std::string(60, 'x') + "...");
}

TEST(Excerpt, CountsCharactersRatherThanBytes) {
  std::string sixty;
  for (int i = 0; i < 60; ++i) sixty += "é";
  EXPECT_EQ(excerpt(sixty), sixty);
  EXPECT_EQ(excerpt(sixty + "é"), sixty + "...");
}

}  // namespace
}  // namespace microgpt
