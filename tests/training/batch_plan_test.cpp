// Lanes and pieces cover the documents once, in order, within the limits.
#include "training/batch_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace microgpt {
namespace {

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

TEST(BatchPlanTest, LanesCoverTheDocumentsInOrder) {
  std::vector<std::span<const Document>> lanes;
  for (std::int64_t count = 1; count <= 200; ++count) {
    std::vector<Document> documents;
    for (std::int64_t i = 0; i < count; ++i) {
      documents.push_back({.offset = i, .length = 1 + (i * 7919) % 16});
    }
    const BatchLimits limits{.max_lanes = std::min<std::int64_t>(count, 64),
                             .lane_positions = 16,
                             .piece_positions = 128};
    plan_lanes(documents, limits, lanes);
    expect_cover(documents, lanes);
    EXPECT_LE(std::ssize(lanes), limits.max_lanes);
  }
}

TEST(BatchPlanTest, LanesAreOfSimilarLength) {
  const std::vector<Document> documents(64, Document{.offset = 0, .length = 8});
  std::vector<std::span<const Document>> lanes;
  plan_lanes(documents, {.max_lanes = 64, .lane_positions = 32, .piece_positions = 128}, lanes);
  EXPECT_EQ(lanes.size(), 16U);
  for (const auto& lane : lanes) EXPECT_EQ(count_positions(lane), 32);
}

TEST(BatchPlanTest, LanesComeInFoursOnceThereAreMoreThanTwo) {
  std::vector<std::span<const Document>> lanes;
  for (const auto& [count, expected] :
       {std::pair{4, 1}, {8, 2}, {9, 4}, {16, 4}, {20, 4}, {24, 8}, {60, 16}}) {
    const std::vector<Document> documents(static_cast<std::size_t>(count),
                                          Document{.offset = 0, .length = 8});
    plan_lanes(documents, {.max_lanes = 64, .lane_positions = 32, .piece_positions = 128}, lanes);
    EXPECT_EQ(std::ssize(lanes), expected) << count;
  }
}

// 40 positions in two lanes: 17 + 23 is nearer to halves than 26 + 14.
TEST(BatchPlanTest, LanesEndAtTheNearestDocument) {
  const auto documents = documents_of({8, 9, 9, 8, 6});
  std::vector<std::span<const Document>> lanes;
  plan_lanes(documents, {.max_lanes = 64, .lane_positions = 32, .piece_positions = 128}, lanes);
  ASSERT_EQ(lanes.size(), 2U);
  EXPECT_EQ(count_positions(lanes[0]), 17);
  EXPECT_EQ(count_positions(lanes[1]), 23);
}

TEST(BatchPlanTest, OneLongDocumentTakesTheLanesOfSeveral) {
  const auto documents = documents_of({1, 1, 200, 1, 1});
  std::vector<std::span<const Document>> lanes;
  plan_lanes(documents, {.max_lanes = 5, .lane_positions = 16, .piece_positions = 256}, lanes);
  expect_cover(documents, lanes);
}

TEST(BatchPlanTest, ManyPositionsMakeMoreLanes) {
  const ModelShape shape{
      .vocab_size = 27, .n_layer = 1, .n_embd = 16, .n_head = 4, .block_size = 16};
  std::vector<std::span<const Document>> lanes;
  for (const auto& [count, expected] : {std::pair{4096, 64}, {8192, 128}, {200'000, 1024}}) {
    const std::vector<Document> documents(static_cast<std::size_t>(count),
                                          Document{.offset = 0, .length = 8});
    const BatchLimits limits = batch_limits(shape, count, 16384);
    plan_lanes(documents, limits, lanes);
    EXPECT_EQ(std::ssize(lanes), expected);
    EXPECT_LE(expected, limits.max_lanes);
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

TEST(BatchPlanTest, BuffersForLargeGradientsStayFew) {
  const ModelShape shape{
      .vocab_size = 65, .n_layer = 12, .n_embd = 1024, .n_head = 16, .block_size = 1024};
  EXPECT_EQ(batch_limits(shape, 256, std::size_t{600} << 20U).max_lanes, 4);
  EXPECT_EQ(batch_limits(shape, 2, std::size_t{600} << 20U).max_lanes, 2);
  EXPECT_EQ(batch_limits(shape, 256, 16384).max_lanes, 256);
}

}  // namespace
}  // namespace microgpt
