// Which documents train, in which order, and which are held out.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support.hpp"

namespace microgpt {
namespace {

// Documents that are told apart by their offsets 0, 1, 2 …
std::vector<Document> numbered(std::int64_t count) {
  std::vector<Document> documents;
  for (std::int64_t i = 0; i < count; ++i) documents.push_back({.offset = i, .length = i + 1});
  return documents;
}

std::vector<std::int64_t> numbers(const std::vector<Document>& documents) {
  std::vector<std::int64_t> offsets;
  for (const auto& [offset, length] : documents) {
    EXPECT_EQ(length, offset + 1);  // they stay whole
    offsets.push_back(offset);
  }
  return offsets;
}

using Numbers = std::vector<std::int64_t>;

// Orders by CPython 3.11: random.seed(42), then random.shuffle of all documents (`lines`), or of
// those that are not held out (`text`).
TEST(SplitDocuments, ShufflesAsPythonDoes) {
  struct Case {
    DocumentMode mode;
    std::int64_t count;
    double fraction;
    Numbers training, validation;
  };
  const auto lines = DocumentMode::lines, text = DocumentMode::text;
  for (const auto& [mode, count, fraction, training, validation] : {
           Case{lines, 10, 0, {7, 3, 2, 8, 5, 6, 9, 4, 0, 1}, {}},
           Case{lines, 10, 0.25, {7, 3, 2, 8, 5, 6, 9, 4}, {0, 1}},
           Case{lines, 10, 0.99, {7}, {3, 2, 8, 5, 6, 9, 4, 0, 1}},
           Case{lines, 7, 0.5, {1, 3, 4, 2}, {6, 0, 5}},
           Case{lines, 1, 0.99, {0}, {}},
           Case{text, 10, 0, {7, 3, 2, 8, 5, 6, 9, 4, 0, 1}, {}},
           Case{text, 10, 0.25, {3, 4, 6, 7, 2, 5, 0, 1}, {8, 9}},
           Case{text, 10, 0.99, {0}, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
           Case{text, 7, 0.5, {2, 1, 3, 0}, {4, 5, 6}},
           Case{text, 1, 0.99, {0}, {}},
       }) {
    PythonRandom random(42);
    const auto split = split_documents(numbered(count), mode, fraction, random);
    EXPECT_EQ(numbers(split.training), training) << count << ", " << fraction;
    EXPECT_EQ(numbers(split.validation), validation) << count << ", " << fraction;
  }
}

// math.floor(fraction * count), in double: 0.29 * 100 is 28.999….
TEST(SplitDocuments, HoldsOutTheFloorOfTheProduct) {
  struct Case {
    double fraction;
    std::int64_t count;
    std::size_t held_out;
  };
  for (const auto& [fraction, count, held_out] : {
           Case{0.29, 100, 28},
           Case{0.1, 10, 1},
           Case{0.7, 10, 7},
           Case{0.1, 9, 0},
           Case{0.5, 3, 1},
           Case{0.1, 32033, 3203},
       }) {
    for (const DocumentMode mode : {DocumentMode::lines, DocumentMode::text}) {
      PythonRandom random(42);
      const auto split = split_documents(numbered(count), mode, fraction, random);
      EXPECT_EQ(split.validation.size(), held_out) << fraction << " of " << count;
      EXPECT_EQ(split.training.size() + held_out, static_cast<std::size_t>(count));
    }
  }
}

// What is drawn next is the model's parameters: the shuffle must leave the stream where Python's
// does.
TEST(SplitDocuments, LeavesTheStreamWhereTheShuffleEnds) {
  PythonRandom after_lines(42), after_text(42), shuffled_ten(42), shuffled_eight(42);
  (void)split_documents(numbered(10), DocumentMode::lines, 0.25, after_lines);
  (void)split_documents(numbered(10), DocumentMode::text, 0.25, after_text);
  auto ten = numbered(10), eight = numbered(8);
  shuffled_ten.shuffle(std::span(ten));
  shuffled_eight.shuffle(std::span(eight));
  EXPECT_EQ(after_lines.state(), shuffled_ten.state());
  EXPECT_EQ(after_text.state(), shuffled_eight.state());
}

TEST(SplitDocuments, RefusesToHoldOutEverything) {
  const TemporaryFolder folder;
  for (const DocumentMode mode : {DocumentMode::lines, DocumentMode::text}) {
    PythonRandom random(42);
    EXPECT_EQ(folder.refusal([&] { return split_documents(numbered(7), mode, 1.0, random); }),
              "validation_fraction: 1 holds out all 7 documents; lower it or give more text");
  }
}

}  // namespace
}  // namespace microgpt
