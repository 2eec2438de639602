// The bits of an element of a product depend on its own row and column alone: what lets documents
// be packed together, and work be cut at any row, without a trace.
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "kernels/transpose.hpp"
#include "support.hpp"
#include "training/lane_tree.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class ProductBitsTest : public ::testing::Test {
 protected:
  static constexpr Index kRows = 40, kDepth = 53, kCols = 75;

  ProductBitsTest() { multiply<Scalar>(a_, b_, c_); }

  Grid<Scalar> a_ = Grid<Scalar>::random(kRows, kDepth, 1);
  Grid<Scalar> b_ = Grid<Scalar>::random(kDepth, kCols, 2);
  Grid<Scalar> c_{kRows, kCols};
};

TYPED_TEST_SUITE(ProductBitsTest, Scalars);

TYPED_TEST(ProductBitsTest, AreTheSameForAnyPieceOfTheRows) {
  for (Index first = 0; first < this->kRows; ++first) {
    for (Index count = 1; first + count <= this->kRows; ++count) {
      Grid<TypeParam> part(this->kRows, this->kCols);
      multiply<TypeParam>(this->a_.matrix().row_range(first, count), this->b_,
                          part.matrix().row_range(first, count));
      for (Index r = first; r < first + count; ++r) {
        ASSERT_TRUE(same_bits(part.row(r), this->c_.row(r), this->kCols))
            << "row " << r << " of " << count << " from " << first;
      }
    }
  }
}

TYPED_TEST(ProductBitsTest, AreTheSameForAnyPieceOfTheColumns) {
  for (Index first = 0; first < this->kCols; ++first) {
    for (Index count = 1; first + count <= this->kCols; ++count) {
      Grid<TypeParam> part(this->kRows, this->kCols);
      multiply<TypeParam>(this->a_.matrix().row_range(0, 9),
                          this->b_.matrix().column_range(first, count),
                          part.matrix().row_range(0, 9).column_range(first, count));
      for (Index r = 0; r < 9; ++r) {
        ASSERT_TRUE(same_bits(part.row(r) + first, this->c_.row(r) + first, count))
            << count << " columns from " << first;
      }
    }
  }
}

TYPED_TEST(ProductBitsTest, AreTheSameBesideRowsOfAnything) {
  for (Index kept = 0; kept < this->kRows; ++kept) {
    Grid<TypeParam> a(this->kRows, this->kDepth), c(this->kRows, this->kCols);
    a.fill(std::numeric_limits<TypeParam>::quiet_NaN());
    std::copy_n(this->a_.row(kept), this->kDepth, a.row(kept));
    multiply<TypeParam>(a, this->b_, c);
    EXPECT_TRUE(same_bits(c.row(kept), this->c_.row(kept), this->kCols)) << kept;
  }
}

TYPED_TEST(ProductBitsTest, AreTheSameForALeftOperandSeenTransposed) {
  Grid<TypeParam> a_transposed(this->kDepth, this->kRows), c(this->kRows, this->kCols);
  transpose<TypeParam>(this->a_, a_transposed);
  multiply_transposed<TypeParam>(a_transposed, this->b_, c);
  EXPECT_TRUE(same_bits(c.values(), this->c_.values()));
}

TYPED_TEST(ProductBitsTest, AreTheSameWhereZerosAreAdded) {
  Grid<TypeParam> zeros(this->kRows, this->kCols), c(this->kRows, this->kCols);
  multiply_add<TypeParam>(this->a_, this->b_, zeros, c);
  accumulate<TypeParam>(this->a_, this->b_, zeros);
  EXPECT_TRUE(same_bits(c.values(), this->c_.values()));
  EXPECT_TRUE(same_bits(zeros.values(), this->c_.values()));
}

// The product is summed first, and then added: each element rounds as two numbers do.
TYPED_TEST(ProductBitsTest, AreThoseOfTheSumWhereSomethingIsAdded) {
  auto addend = Grid<TypeParam>::random(this->kRows, this->kCols, 3);
  Grid<TypeParam> sum(this->kRows, this->kCols), c(this->kRows, this->kCols);
  for (Index i = 0; i < this->kRows; ++i) {
    for (Index j = 0; j < this->kCols; ++j) sum(i, j) = this->c_(i, j) + addend(i, j);
  }
  multiply_add<TypeParam>(this->a_, this->b_, addend, c);
  EXPECT_TRUE(same_bits(c.values(), sum.values()));
}

// A sum may be taken in pieces, one after the other.
TYPED_TEST(ProductBitsTest, AreTheSameWhereverASumGoesOn) {
  for (Index first = 1; first < this->kDepth; ++first) {
    Grid<TypeParam> c(this->kRows, this->kCols);
    multiply<TypeParam>(this->a_.matrix().column_range(0, first),
                        this->b_.matrix().row_range(0, first), c);
    accumulate<TypeParam>(this->a_.matrix().column_range(first, this->kDepth - first),
                          this->b_.matrix().row_range(first, this->kDepth - first), c);
    EXPECT_TRUE(same_bits(c.values(), this->c_.values())) << first;
  }
}

// Lanes whose documents are packed together leave the sum that they leave one by one, added two by
// two.
template <class Scalar>
void expect_parts_added(Index rows, Index cols, const std::vector<Index>& parts) {
  const Index depth = std::accumulate(parts.begin(), parts.end(), Index{0});
  auto a = Grid<Scalar>::random(rows, depth, 1), b = Grid<Scalar>::random(depth, cols, 2);
  Grid<Scalar> together(rows, cols);
  multiply_parts<Scalar>(a, b, parts, together);
  test::Gradients<Scalar> apart;
  Index first = 0;
  for (const Index part : parts) {
    Grid<Scalar> product(rows, cols);
    multiply<Scalar>(a.matrix().column_range(first, part), b.matrix().row_range(first, part),
                     product);
    apart.push_back(product.values());
    first += part;
  }
  const auto sum = test::tree_sum(apart, {0, static_cast<int>(apart.size())});
  EXPECT_TRUE(same_bits(together.values(), sum)) << ::testing::PrintToString(parts);
}

TYPED_TEST(ProductBitsTest, OfTwoPartsAreThoseOfTheSecondAddedToTheFirst) {
  for (Index first = 1; first < 33; ++first) {
    expect_parts_added<TypeParam>(40, 75, {first, 33 - first});
  }
  // A large target comes from far away.
  for (const Index first : {1, 30, 53, 56}) {
    expect_parts_added<TypeParam>(450, 75, {first, 57 - first});
  }
  // Deep ones are taken one after the other, if neither is too deep for that and the target is not
  // too large. Some rows are left over in the last block.
  for (const Index first : {1, 40, 48, 64, 80, 81, 127}) {
    expect_parts_added<TypeParam>(155, 75, {first, 128 - first});
    expect_parts_added<TypeParam>(300, 300, {first, 128 - first});
  }
  for (const Index first : {150, 200, 320, 400, 660}) {
    expect_parts_added<TypeParam>(155, 75, {first, 700 - first});
  }
}

TYPED_TEST(ProductBitsTest, OfFourPartsAreThoseOfTwoSumsOfTwo) {
  for (const Index rows : {1, 7, 40, 155}) {
    for (const std::vector<Index>& parts : std::vector<std::vector<Index>>{{1, 1, 1, 1},
                                                                           {5, 9, 3, 4},
                                                                           {28, 29, 28, 29},
                                                                           {50, 40, 60, 1},
                                                                           {100, 90, 81, 110},
                                                                           {200, 90, 100, 300},
                                                                           {400, 1, 1, 30}}) {
      expect_parts_added<TypeParam>(rows, 75, parts);
    }
  }
  expect_parts_added<TypeParam>(300, 300, {28, 29, 28, 29});
}

TYPED_TEST(ProductBitsTest, OfOnePartAreThoseOfTheProduct) {
  Grid<TypeParam> c(this->kRows, this->kCols);
  multiply_parts<TypeParam>(this->a_, this->b_, std::array{this->kDepth}, c);
  EXPECT_TRUE(same_bits(c.values(), this->c_.values()));
}

// Where rows that follow each other no longer fit into a cache together.
TYPED_TEST(ProductBitsTest, AreTheSameInDeepProducts) {
  const Index rows = 53, depth = 40'000;
  auto a = Grid<TypeParam>::random(rows, depth, 1), b = Grid<TypeParam>::random(depth, 3, 2);
  Grid<TypeParam> all(rows, 3), one(1, 3);
  multiply<TypeParam>(a, b, all);
  for (Index r = 0; r < rows; ++r) {
    multiply<TypeParam>(a.matrix().row_range(r, 1), b, one);
    EXPECT_TRUE(same_bits(one.row(0), all.row(r), 3)) << r;
  }
}

// Large operands are copied, in stretches of the depths and blocks of the rows; those of a few rows
// or columns are not.
TYPED_TEST(ProductBitsTest, AreTheSameWhereOperandsAreCopied) {
  const Index rows = 300, depth = 450, cols = 560;
  auto a = Grid<TypeParam>::random(rows, depth, 1), b = Grid<TypeParam>::random(depth, cols, 2);
  Grid<TypeParam> c(rows, cols), transposed(depth, rows), again(rows, cols), row(1, cols);
  multiply<TypeParam>(a, b, c);
  for (const Index r : {0, 1, 127, 128, 290, 299}) {
    multiply<TypeParam>(a.matrix().row_range(r, 1), b, row);
    EXPECT_TRUE(same_bits(row.row(0), c.row(r), cols)) << r;
  }
  transpose<TypeParam>(a, transposed);
  multiply_transposed<TypeParam>(transposed, b, again);
  EXPECT_TRUE(same_bits(again.values(), c.values()));
  for (const Index first : {0, 1, 33, 543}) {
    Grid<TypeParam> few(rows, 17);
    multiply_transposed<TypeParam>(transposed, b.matrix().column_range(first, 17), few);
    for (Index r = 0; r < rows; ++r) {
      EXPECT_TRUE(same_bits(few.row(r), c.row(r) + first, 17)) << r << " from " << first;
    }
  }
}

TYPED_TEST(ProductBitsTest, AreThoseOfTheAscendingSumHoweverDeep) {
  for (const Index depth : {191, 192, 193, 384, 1000}) {
    auto a = Grid<TypeParam>::random(3, depth, 1);
    Grid<TypeParam> ones(depth, 40), c(3, 40);
    ones.fill(1);
    multiply<TypeParam>(a, ones, c);
    for (Index r = 0; r < 3; ++r) {
      TypeParam expected = 0;
      for (Index k = 0; k < depth; ++k) expected += a(r, k);
      for (Index i = 0; i < 40; ++i) EXPECT_EQ(c(r, i), expected) << depth;
    }
  }
}

// Terms are added in ascending order: the ones in front of the large number survive in it, and the
// halves behind it do not.
TYPED_TEST(ProductBitsTest, AreThoseOfTheAscendingSum) {
  const TypeParam large = 2 / std::numeric_limits<TypeParam>::epsilon();
  const Index depth = 6;
  const std::array<TypeParam, 6> terms{1, 1, large, TypeParam(0.5), TypeParam(0.5), -large};
  TypeParam expected = 0;
  Grid<TypeParam> a(this->kRows, depth), b(depth, this->kCols), c(this->kRows, this->kCols);
  b.fill(1);
  for (Index k = 0; k < depth; ++k) {
    const TypeParam term = terms[static_cast<std::size_t>(k)];
    expected += term;
    for (Index r = 0; r < this->kRows; ++r) a(r, k) = term;
  }
  multiply<TypeParam>(a, b, c);
  for (const TypeParam element : c.values()) EXPECT_EQ(element, expected);
}

}  // namespace
}  // namespace microgpt::kernels
