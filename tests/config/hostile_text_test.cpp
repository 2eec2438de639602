// Text that nobody means well with: it is read, or refused with one short line, and soon.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

// What every answer to bad text looks like.
void expect_one_short_line(const std::string& message) {
  EXPECT_TRUE(message.starts_with("small.cfg:") || message == "no error") << message;
  EXPECT_TRUE(std::ranges::none_of(message, [](char c) { return c >= 0 && c < ' '; })) << message;
  EXPECT_LT(message.size(), 400U) << message;
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(HostileText, DoesNotGrowTheStack) {
  for (const std::string_view opening : {"[", "{", "- ", "? ", "a: ", "{a: {", "[{", "- ? "}) {
    const std::string nested = repeated(opening, 100'000);
    expect_one_short_line(refusal([&] { return small_config(nested); }));
    expect_one_short_line(refusal([&] { return small_config("n_embd: " + nested); }));
  }
}

TEST(HostileText, MayBeOneEndlessWord) {
  for (const std::string_view letter : {"9", "a", "é", "'", "\"", "\\", ":", "%", "!", "\n "}) {
    const std::string word = repeated(letter, 100'000);
    expect_one_short_line(refusal([&] { return small_config(word); }));
    expect_one_short_line(refusal([&] { return small_config("n_embd: " + word); }));
    expect_one_short_line(refusal([&] { return small_config(word + ": 16"); }));
  }
}

TEST(HostileText, MayBeAnyDamageToAGoodConfig) {
  const std::string good =
      "# comment\nn_embd: 32\nactivation: \"relu\"\nlearning_rate: 1e-3\ndataset: a b.txt\n";
  const std::vector<std::string> splinters{
      "[", "]", "{", "}",  ": ",    "- ",    "\n",          "\r", "\t",   "&a ",  "*a", "!t ",
      "|", ">", "'", "\"", "---\n", "...\n", "%YAML 1.2\n", "#",  "<<: ", "\xff", "é",  "~"};
  std::mt19937 random(1);
  for (int trial = 0; trial < 5'000; ++trial) {
    std::string text = good;
    for (auto wounds = 1 + random() % 3; wounds > 0; --wounds) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text.insert(at, splinters[random() % splinters.size()]);
      } else {
        text[at] = static_cast<char>(random());
      }
    }
    SCOPED_TRACE(text);
    expect_one_short_line(refusal([&] { return small_config(text); }));
  }
}

TEST(HostileText, MayBeTheNameOfTheFile) {
  EXPECT_EQ(refusal([] { return parse_config("x: 1", "a\nb\x1b.cfg", "/"); }),
            "a\\nb\\u001b.cfg:1: unknown key 'x': did you mean 'dataset'?");
  const SourcedConfig config = parse_config("seed: 1", "a\nn_embd: 2", "/");
  EXPECT_EQ(config.sources.at("seed"), "a\\nn_embd: 2:1");
}

}  // namespace
}  // namespace microgpt
