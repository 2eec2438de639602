// However many documents of whatever lengths: each is dealt once, as cards are, longest first, back
// and forth; and that makes the lanes of a step almost equally long.
#include "training/lane_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

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

// What `batch` looks like once it is sorted.
std::vector<Document> longest_first(std::vector<Document> batch) {
  std::ranges::stable_sort(batch, std::ranges::greater(), &Document::length);
  return batch;
}

// The documents in the order in which they were dealt.
std::vector<Document> collected(const LanePlan& plan) {
  std::vector<Document> documents;
  const std::size_t lanes = plan.lanes().size();
  for (std::size_t round = 0; round < plan.documents().size(); ++round) {
    for (std::size_t i = 0; i < lanes; ++i) {
      const LanePlan::Lane lane = plan.lanes()[round % 2 == 0 ? i : lanes - 1 - i];
      if (round < lane.size()) documents.push_back(lane[round]);
    }
  }
  return documents;
}

TEST(LanePlanTest, DealsEachDocumentOnceLongestFirstBackAndForth) {
  for (const BatchLimits& limits : kAllLimits) {
    LanePlan plan(limits, kMostDocuments, kBlockSize);
    for (const std::vector<Document>& batch : batches()) {
      plan.deal(batch);
      // Which says also that equals keep their order, and that nothing is left of other batches.
      ASSERT_TRUE(std::ranges::equal(collected(plan), longest_first(batch), same))
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

// In each round a lane is ahead of another by what the documents' lengths fall between the two, and
// behind it in the next. All these falls together are one from the longest to the shortest; or to
// nothing, where the last round is not complete.
TEST(LanePlanTest, MakesLanesAlmostEquallyLong) {
  for (const BatchLimits& limits : kAllLimits) {
    LanePlan plan(limits, kMostDocuments, kBlockSize);
    for (const std::vector<Document>& batch : batches()) {
      plan.deal(batch);
      const auto [shortest, longest] = std::ranges::minmax(batch, {}, &Document::length);
      std::vector<std::int64_t> lengths;
      for (const LanePlan::Lane lane : plan.lanes()) lengths.push_back(count_positions(lane));
      const auto [least, most] = std::ranges::minmax(lengths);
      const bool complete = batch.size() % lengths.size() == 0;
      EXPECT_LE(most - least, longest.length - (complete ? shortest.length : 0))
          << batch.size() << " documents in " << lengths.size() << " lanes";
    }
  }
}

// Which dealing forth alone would not do.
TEST(LanePlanTest, MakesLanesEquallyLongWhereLengthsFallEvenly) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t length = 1; length <= kBlockSize; ++length) lengths.push_back(length);
  LanePlan plan({.max_lanes = 4, .lane_positions = 32, .piece_positions = 128}, 16, kBlockSize);
  plan.deal(documents_of(lengths));
  ASSERT_EQ(plan.lanes().size(), 4U);
  for (const LanePlan::Lane lane : plan.lanes()) EXPECT_EQ(count_positions(lane), 34);
}

TEST(LanePlanTest, DealsThreeRoundsToTwoLanes) {
  const std::array<std::int64_t, 6> lengths{3, 16, 5, 12, 3, 7};
  const std::vector<Document> batch = documents_of(lengths);
  LanePlan plan({.max_lanes = 2, .lane_positions = 16, .piece_positions = 128}, 6, kBlockSize);
  plan.deal(batch);
  const std::array expected{batch[1], batch[2], batch[0], batch[3], batch[5], batch[4]};
  EXPECT_TRUE(std::ranges::equal(plan.documents(), expected, same));
  EXPECT_EQ(plan.first_document(1), 3U);
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
