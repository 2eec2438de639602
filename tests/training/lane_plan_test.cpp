// However many documents of whatever lengths: each is dealt once, longest first, to the half of the
// tree that has less; and that makes lanes, and what is above them, almost equally long.
#include "training/lane_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace microgpt {
namespace {

constexpr std::int64_t kBlockSize = 16;
constexpr std::int64_t kMostDocuments = 300;
constexpr BatchLimits kLimits{.max_lanes = 64, .lane_positions = 32, .piece_positions = 128};

bool same(const Document& a, const Document& b) {
  return a.offset == b.offset && a.length == b.length;
}

// Documents that differ in their offsets.
std::vector<Document> documents_of(std::span<const std::int64_t> lengths) {
  std::vector<Document> documents;
  for (const std::int64_t length : lengths) {
    documents.push_back({.offset = 1000 + std::ssize(documents), .length = length});
  }
  return documents;
}

// Lengths as names have them: about 7, seldom 2 or 15.
std::vector<Document> names(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t length = 1;
    for (int half = 0; half < 15; ++half) length += random() % 5 < 2 ? 1 : 0;
    lengths.push_back(length);
  }
  return documents_of(lengths);
}

// Batches of every count, of equal and of unequal documents.
std::vector<std::vector<Document>> batches() {
  std::vector<std::vector<Document>> batches;
  for (std::int64_t count = 1; count <= kMostDocuments; count += 1 + count / 20) {
    const auto documents = static_cast<std::size_t>(count);
    batches.push_back(names(count, static_cast<unsigned>(count)));
    batches.push_back(documents_of(std::vector<std::int64_t>(documents, 1)));
    batches.push_back(documents_of(std::vector<std::int64_t>(documents, kBlockSize)));
    std::vector<std::int64_t> one_long(documents, 1);
    one_long[documents / 2] = kBlockSize;
    batches.push_back(documents_of(one_long));
  }
  return batches;
}

// The limits of a config, lanes of one position, and an odd number of lanes.
constexpr std::array kAllLimits{kLimits, BatchLimits{256, 1, 128}, BatchLimits{7, 1, 128}};

// All subtrees of the tree over so many lanes that have two halves.
std::vector<std::pair<LaneRange, LaneRange>> halves(int lanes) {
  std::vector<std::pair<LaneRange, LaneRange>> halves;
  for (int span = 1; span < lanes; span *= 2) {
    for (int first = 0; first + span < lanes; first += 2 * span) {
      const int middle = first + span;
      halves.push_back({{first, middle}, {middle, std::min(middle + span, lanes)}});
    }
  }
  return halves;
}

TEST(LanePlanTest, DealsEachDocumentOnce) {
  for (const BatchLimits& limits : kAllLimits) {
    LanePlan plan(limits, kMostDocuments, kBlockSize);
    for (const std::vector<Document>& batch : batches()) {
      plan.deal(batch);
      std::vector<Document> dealt(plan.documents().begin(), plan.documents().end());
      std::ranges::sort(dealt, {}, &Document::offset);
      ASSERT_TRUE(std::ranges::equal(dealt, batch, same))
          << batch.size() << " documents in " << plan.lanes().size() << " lanes";
    }
  }
}

TEST(LanePlanTest, HasAsManyLanesAsPositionsAskForButNoneThatIsEmpty) {
  for (const BatchLimits& limits : kAllLimits) {
    LanePlan plan(limits, kMostDocuments, kBlockSize);
    for (const std::vector<Document>& batch : batches()) {
      plan.deal(batch);
      EXPECT_EQ(std::ssize(plan.lanes()),
                std::min(std::ssize(batch), lane_count(count_positions(batch), limits)));
      for (const LanePlan::Lane lane : plan.lanes()) ASSERT_FALSE(lane.empty());
    }
  }
}

TEST(LanePlanTest, LaysLanesOneBehindTheOtherAndSaysWhere) {
  for (const BatchLimits& limits : kAllLimits) {
    LanePlan plan(limits, kMostDocuments, kBlockSize);
    for (const std::vector<Document>& batch : batches()) {
      plan.deal(batch);
      ASSERT_EQ(plan.documents().size(), batch.size());
      std::size_t first = 0;
      int number = 0;
      for (const LanePlan::Lane lane : plan.lanes()) {
        EXPECT_EQ(plan.first_document(number++), first);
        EXPECT_EQ(lane.data(), plan.documents().data() + first);
        EXPECT_TRUE(std::ranges::is_sorted(lane, std::ranges::greater(), &Document::length));
        first += lane.size();
      }
      EXPECT_EQ(first, batch.size());
      EXPECT_EQ(plan.first_document(number), first);
    }
  }
}

// The half that has less gets the next document, so that neither can be ahead by more than the
// longest; but for halves that have no document to spare.
TEST(LanePlanTest, MakesHalvesAlmostEquallyLong) {
  for (const BatchLimits& limits : kAllLimits) {
    LanePlan plan(limits, kMostDocuments, kBlockSize);
    for (const std::vector<Document>& batch : batches()) {
      plan.deal(batch);
      const auto longest = std::ranges::max(batch, {}, &Document::length).length;
      for (const auto& [left, right] : halves(static_cast<int>(plan.lanes().size()))) {
        const auto of_left = plan.documents_of(left), of_right = plan.documents_of(right);
        if (std::ssize(of_left) == left.size() || std::ssize(of_right) == right.size()) continue;
        const std::int64_t ahead =
            count_positions(of_left) * right.size() - count_positions(of_right) * left.size();
        EXPECT_LE(std::abs(ahead), longest * left.size())
            << batch.size() << " documents in " << plan.lanes().size() << " lanes, from "
            << left.first << " on";
      }
    }
  }
}

// Names are short in the end, which makes up for what long ones leave uneven.
TEST(LanePlanTest, MakesHalvesOfNamesDifferByAPosition) {
  LanePlan plan(kLimits, kMostDocuments, kBlockSize);
  int steps = 0, even = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    plan.deal(names(16, seed));
    if (plan.lanes().size() != 4) continue;
    const auto left = count_positions(plan.documents_of({0, 2}));
    const auto right = count_positions(plan.documents_of({2, 4}));
    ++steps;
    even += std::abs(left - right) <= 1 ? 1 : 0;
  }
  EXPECT_GT(steps, 150);
  EXPECT_GT(even, steps * 8 / 10);
}

TEST(LanePlanTest, MakesLanesEquallyLongWhereLengthsFallEvenly) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t length = 1; length <= kBlockSize; ++length) lengths.push_back(length);
  LanePlan plan({.max_lanes = 4, .lane_positions = 32, .piece_positions = 128}, 16, kBlockSize);
  plan.deal(documents_of(lengths));
  ASSERT_EQ(plan.lanes().size(), 4U);
  for (const LanePlan::Lane lane : plan.lanes()) EXPECT_EQ(count_positions(lane), 34);
}

TEST(LanePlanTest, DealsToTheHalfThatHasLess) {
  const std::array<std::int64_t, 6> lengths{3, 16, 5, 12, 3, 7};
  const std::vector<Document> batch = documents_of(lengths);
  LanePlan plan({.max_lanes = 2, .lane_positions = 16, .piece_positions = 128}, 6, kBlockSize);
  plan.deal(batch);
  // 16 | 12, then 7 to the right, 5 to the left, the first 3 to the right, the other to the left.
  const std::array expected{batch[1], batch[2], batch[4], batch[3], batch[5], batch[0]};
  EXPECT_TRUE(std::ranges::equal(plan.documents(), expected, same));
  EXPECT_EQ(plan.first_document(1), 3U);
}

// A half has less for each of its lanes: three lanes are two and one.
TEST(LanePlanTest, DealsTwiceAsMuchToTwiceAsManyLanes) {
  LanePlan plan({.max_lanes = 3, .lane_positions = 1, .piece_positions = 128}, 30, kBlockSize);
  plan.deal(documents_of(std::vector<std::int64_t>(30, 5)));
  ASSERT_EQ(plan.lanes().size(), 3U);
  for (const LanePlan::Lane lane : plan.lanes()) EXPECT_EQ(lane.size(), 10U);
}

TEST(LanePlanTest, TakesItsMemoryAtOnce) {
  LanePlan plan(kLimits, kMostDocuments, kBlockSize);
  plan.deal(names(1, 1));
  const Document* const documents = plan.documents().data();
  const LanePlan::Lane* const lanes = plan.lanes().data();
  plan.deal(std::vector(kMostDocuments, Document{.offset = 0, .length = kBlockSize}));
  EXPECT_EQ(std::ssize(plan.lanes()), kLimits.max_lanes);
  EXPECT_EQ(plan.documents().data(), documents);
  EXPECT_EQ(plan.lanes().data(), lanes);
}

}  // namespace
}  // namespace microgpt
