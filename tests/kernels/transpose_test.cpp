#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class TransposeTest : public ::testing::Test {};

TYPED_TEST_SUITE(TransposeTest, Scalars);

TYPED_TEST(TransposeTest, PutsEachElementInItsPlace) {
  struct Shape {
    Index rows, cols;
  };
  std::vector<Shape> shapes{{1, 1000}, {1000, 1}, {100, 65}, {64, 256}};
  for (Index rows = 1; rows <= 34; ++rows) {
    for (Index cols = 1; cols <= 34; ++cols) shapes.push_back({rows, cols});
  }
  for (const auto& [rows, cols] : shapes) {
    auto from = Grid<TypeParam>::random(rows, cols, cols + 2, 1);
    Grid<TypeParam> to(cols, rows, rows + 3);
    transpose<TypeParam>(from, to);
    EXPECT_TRUE(to.edges_are_whole()) << rows << " x " << cols;
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < cols; ++c) {
        ASSERT_EQ(to(c, r), from(r, c)) << rows << " x " << cols << " at " << r << ", " << c;
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
