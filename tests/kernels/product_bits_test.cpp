// The bits of an element of a product depend on its own row and column alone: what lets documents
// be packed together, and work be cut at any row, without a trace.
#include <gtest/gtest.h>

#include "kernels/transpose.hpp"
#include "support.hpp"

namespace microgpt::kernels {
namespace {

template <class Scalar>
class ProductBitsTest : public ::testing::Test {
 protected:
  static constexpr Index kRows = 40, kDepth = 33, kCols = 75;

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
  multiply_add<TypeParam>(this->a_, this->b_, zeros, zeros);
  EXPECT_TRUE(same_bits(c.values(), this->c_.values()));
  EXPECT_TRUE(same_bits(zeros.values(), this->c_.values()));
}

// Products are summed in ascending order: going on from the sum of the first half is the same.
TYPED_TEST(ProductBitsTest, AreTheSameInTwoHalvesOfTheDepth) {
  for (Index half = 1; half < this->kDepth; ++half) {
    const Index rest = this->kDepth - half;
    const auto a = this->a_.matrix().column_range(half, rest);
    const auto b = this->b_.matrix().row_range(half, rest);
    Grid<TypeParam> first(this->kRows, this->kCols), whole(this->kRows, this->kCols);
    multiply<TypeParam>(this->a_.matrix().column_range(0, half),
                        this->b_.matrix().row_range(0, half), first);
    multiply_add<TypeParam>(a, b, first, whole);
    multiply_add<TypeParam>(a, b, first, first);
    EXPECT_TRUE(same_bits(whole.values(), this->c_.values())) << half;
    EXPECT_TRUE(same_bits(first.values(), this->c_.values())) << half;
  }
}

}  // namespace
}  // namespace microgpt::kernels
