// Lanes are as many as the positions are worth, a power of two of them; pieces cover the documents
// once, in order, within the limits.
#include "training/batch_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

namespace microgpt {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20U;
constexpr std::size_t kSmallGradient = kMebibyte / 64;

BatchLimits limits_of(std::int64_t max_lanes, std::int64_t lane_positions) {
  return {.max_lanes = max_lanes, .lane_positions = lane_positions, .piece_positions = 128};
}

std::vector<Document> documents_of(std::initializer_list<std::int64_t> lengths) {
  std::vector<Document> documents;
  for (const std::int64_t length : lengths) documents.push_back({.offset = 0, .length = length});
  return documents;
}

void expect_cover(const std::vector<Document>& documents,
                  const std::vector<std::span<const Document>>& parts) {
  const Document* next = documents.data();
  for (const auto& part : parts) {
    EXPECT_EQ(part.data(), next);
    EXPECT_FALSE(part.empty());
    next += part.size();
  }
  EXPECT_EQ(next, documents.data() + documents.size());
}

TEST(BatchPlanTest, LanesAreAPowerOfTwo) {
  for (std::int64_t positions = 1; positions <= 5000; ++positions) {
    const std::int64_t lanes = lane_count(positions, limits_of(1024, 32));
    ASSERT_TRUE(std::has_single_bit(static_cast<std::uint64_t>(lanes))) << positions;
    ASSERT_GE(lanes, lane_count(positions - 1, limits_of(1024, 32)));
  }
}

// Twice as many lanes would be further from the length that a lane is to have, and so would half
// as many. Both distances from it are multiplied by the number of lanes.
TEST(BatchPlanTest, LanesAreNearlyAsLongAsWanted) {
  for (const std::int64_t wanted : {32, 256}) {
    const std::int64_t first = wanted == 32 ? 32 : 6 * wanted;  // below it, lanes are shorter
    for (std::int64_t positions = first; positions <= 60 * wanted; positions += wanted) {
      const std::int64_t lanes = lane_count(positions, limits_of(1024, wanted));
      EXPECT_LT(2 * std::abs(positions - lanes * wanted), std::abs(positions - 2 * lanes * wanted))
          << positions;
      if (lanes > 1) {
        EXPECT_LT(std::abs(positions - lanes * wanted), std::abs(2 * positions - lanes * wanted))
            << positions;
      }
    }
  }
}

TEST(BatchPlanTest, LanesAreOneForFewPositionsAndMoreForMore) {
  for (const auto& [positions, lanes] :
       {std::pair{1, 1}, {32, 1}, {33, 2}, {64, 2}, {65, 4}, {160, 4}, {161, 8}, {480, 16}}) {
    EXPECT_EQ(lane_count(positions, limits_of(64, 32)), lanes) << positions;
  }
}

// Of a large model, too, the first four are short, so that its small batches keep four workers
// busy.
TEST(BatchPlanTest, TheFirstLanesAreShort) {
  for (const auto& [positions, lanes] :
       {std::pair{1, 1}, {32, 1}, {33, 2}, {64, 2}, {65, 4}, {1280, 4}, {1281, 8}}) {
    EXPECT_EQ(lane_count(positions, limits_of(64, 256)), lanes) << positions;
  }
}

TEST(BatchPlanTest, LanesAreNeverMoreThanTheLimit) {
  for (const std::int64_t most : {1, 3, 8, 64}) {
    EXPECT_EQ(lane_count(1'000'000, limits_of(most, 32)), most);
    EXPECT_EQ(lane_count(1, limits_of(most, 32)), 1);
  }
}

// With 512 positions each there may be more than 64, up to 1024.
TEST(BatchPlanTest, LanesAreMoreThanUsualWhereEachIsLong) {
  for (const auto& [positions, lanes] : {std::pair{2048, 64},
                                         {65'535, 64},
                                         {65'536, 128},
                                         {131'071, 128},
                                         {262'144, 512},
                                         {524'288, 1024},
                                         {2'000'000'000, 1024}}) {
    EXPECT_EQ(lane_count(positions, limits_of(4096, 32)), lanes) << positions;
  }
}

TEST(BatchPlanTest, LimitsAreThoseOfTheLongestDocuments) {
  for (const std::int64_t longest : {1, 7, 16, 300}) {
    for (std::int64_t batch_size = 1; batch_size <= 3000; batch_size += 1 + batch_size / 7) {
      const BatchLimits limits = batch_limits(longest, batch_size, kSmallGradient);
      EXPECT_LE(limits.max_lanes, batch_size);
      EXPECT_EQ(limits.piece_positions, std::max<std::int64_t>(longest, 128));
      BatchLimits no_limit = limits;
      no_limit.max_lanes = INT64_MAX;
      EXPECT_EQ(limits.max_lanes, std::min(batch_size, lane_count(batch_size * longest, no_limit)));
    }
  }
}

TEST(BatchPlanTest, LanesOfLargeGradientsAreLonger) {
  EXPECT_EQ(batch_limits(16, 128, kSmallGradient).lane_positions, 32);
  EXPECT_EQ(batch_limits(16, 128, 8 * kMebibyte).lane_positions, 32);
  EXPECT_EQ(batch_limits(16, 128, 8 * kMebibyte).max_lanes, 64);
  EXPECT_EQ(batch_limits(16, 128, 8 * kMebibyte + 1).lane_positions, 256);
  EXPECT_EQ(batch_limits(16, 128, 8 * kMebibyte + 1).max_lanes, 8);
  EXPECT_EQ(batch_limits(1024, 64, 600 * kMebibyte).max_lanes, 64);
  EXPECT_EQ(batch_limits(1024, 2, 600 * kMebibyte).max_lanes, 2);
}

TEST(BatchPlanTest, BatchesWhosePositionsDoNotFitIntoANumberHaveTheMostLanes) {
  for (const std::int64_t batch_size : {INT64_MAX, INT64_MAX / 1024 + 1, INT64_MAX / 1024}) {
    for (const std::size_t gradient : {kSmallGradient, 600 * kMebibyte}) {
      const BatchLimits limits = batch_limits(1024, batch_size, gradient);
      EXPECT_EQ(limits.max_lanes, 1024);
      EXPECT_EQ(lane_count(INT64_MAX, limits), 1024);
    }
  }
}

TEST(BatchPlanTest, PiecesHoldNoMorePositionsThanAllowed) {
  const auto documents = documents_of({5, 5, 6, 16, 1, 15, 2, 16, 16});
  std::vector<std::span<const Document>> pieces;
  plan_pieces(documents, 16, pieces);
  expect_cover(documents, pieces);
  for (const auto& piece : pieces) EXPECT_LE(count_positions(piece), 16);
  EXPECT_EQ(pieces.size(), 6U);
}

}  // namespace
}  // namespace microgpt
