// What a caller of sample relies on.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "support.hpp"

namespace microgpt {
namespace {

constexpr SampleOptions kLong{.temperature = 3.0, .max_length = 40, .stop_at_bos = false};

TEST(SampleTest, GivesTheSameTextForTheSameSeed) {
  Writer<float> writer, other;
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::string text = writer.write(kLong, seed);
    EXPECT_EQ(writer.write(kLong, seed), text) << seed;  // whatever was written before
    EXPECT_EQ(other.write(kLong, seed), text) << seed;
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), 20U);  // and another for another seed
}

TEST(SampleTest, GivesTheSameTextOnceMoved) {
  Writer<double> writer;
  const std::string text = writer.write(kLong, 5);
  Generator moved = std::move(writer.generator);
  PythonRandom random(5);
  EXPECT_EQ(moved.sample({}, kLong, random), text);
}

TEST(SampleTest, DrawsAsManyCharactersAsItIsToldTo) {
  Writer<float> writer;
  for (const std::int64_t length : {0, 1, 5, 6, 7, 100}) {
    const SampleOptions options{1.0, length, false};
    EXPECT_EQ(length_of(writer.write(options, 1)), length);
  }
}

TEST(SampleTest, StopsAtTheEndOfADocumentOrAtTheLength) {
  Writer<float> writer;
  std::set<std::int64_t> lengths;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const SampleOptions options{1.0, 10, true};
    lengths.insert(length_of(writer.write(options, seed)));
  }
  EXPECT_EQ(*lengths.begin(), 0);    // BOS came first
  EXPECT_EQ(*lengths.rbegin(), 10);  // BOS did not come
  EXPECT_GT(lengths.size(), 4U);
}

TEST(SampleTest, TakesOneNumberForEachCharacterAndForTheEnd) {
  Writer<float> writer;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const SampleOptions options{1.0, 10, true};
    PythonRandom random(seed), counted(seed);
    const std::int64_t length = length_of(writer.generator.sample({}, options, random));
    for (std::int64_t i = 0; i < std::min<std::int64_t>(length + 1, 10); ++i) {
      (void)counted.random();
    }
    EXPECT_EQ(random.state(), counted.state()) << "seed " << seed << ", length " << length;
  }
}

// Where each next character is certain, it does not matter which ones were given.
TEST(SampleTest, GoesOnAsIfItHadDrawnThePrompt) {
  Writer<double> writer;
  const SampleOptions all{1e-3, 20, false};
  const std::string text = writer.write(all, 1);
  const auto tokens = writer.tokenizer.encode_text(text, "text");
  for (std::size_t given = 0; given < tokens.size(); ++given) {
    const SampleOptions rest{1e-3, 20 - static_cast<std::int64_t>(given), false};
    const auto prompt = std::span<const Token>(tokens).first(given);
    std::u32string expected;
    for (const Token token : std::span(tokens).subspan(given)) {
      expected += writer.tokenizer.decode(token);
    }
    EXPECT_EQ(writer.write(rest, 1, prompt), to_utf8(expected)) << "behind " << given;
  }
}

}  // namespace
}  // namespace microgpt
