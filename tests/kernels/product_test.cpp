// The products against a triple loop, for shapes around every size of tile.
#include "kernels/product.hpp"

#include <gtest/gtest.h>

#include "kernels/transpose.hpp"
#include "support.hpp"

namespace microgpt::kernels {
namespace {

struct Shape {
  Index m, k, n;
};

// Every count of rows by every count of columns up to 40, every depth up to 40, and a few large,
// of which the first four are taken in several blocks and stretches, with copies of the operands.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{400, 450, 70},  {400, 170, 70},  {150, 1100, 70},
                         {130, 200, 530}, {100, 200, 300}, {1, 1000, 65},
                         {257, 64, 129},  {7, 3, 1000},    {300, 1, 5}};
  for (Index m = 1; m <= 40; ++m) {
    for (Index n = 1; n <= 40; ++n) {
      for (const Index k : {1, 6}) all.push_back({m, k, n});
    }
  }
  for (Index k = 1; k <= 40; ++k) {
    for (const Index m : {1, 8, 13}) {
      for (const Index n : {1, 16, 35}) all.push_back({m, k, n});
    }
  }
  return all;
}

template <class Scalar>
class ProductTest : public ::testing::Test {
 protected:
  // Does `product` to a (m x k, or k x m where it takes its transpose), b, an addend, and a c that
  // holds numbers already, and holds it against Σ a b, plus the addend where it adds. Strides are
  // larger than rows, and rows start anywhere.
  template <class Product>
  void expect_product(Product&& product, bool transposed, bool adds) {
    for (const auto& [m, k, n] : shapes()) {
      auto a =
          transposed ? Grid<Scalar>::random(k, m, m + 3, 1) : Grid<Scalar>::random(m, k, k + 3, 1);
      auto b = Grid<Scalar>::random(k, n, n + 5, 2);
      auto addend = Grid<Scalar>::random(m, n, n + 2, 3);
      const auto before = addend.values();
      auto c = Grid<Scalar>::random(m, n, n + 1, 4);
      const auto& result = product(a, b, addend, c);
      EXPECT_TRUE(c.edges_are_whole()) << m << " x " << k << " x " << n;
      EXPECT_TRUE(addend.edges_are_whole()) << m << " x " << k << " x " << n;
      if (&result == &c) {
        EXPECT_TRUE(same_bits(addend.values(), before));
      }

      for (Index i = 0; i < m; ++i) {
        for (Index j = 0; j < n; ++j) {
          Exact sum = adds ? before[static_cast<std::size_t>(i * n + j)] : Scalar{0};
          Exact size = std::abs(sum);
          for (Index l = 0; l < k; ++l) {
            const Exact term = Exact{transposed ? a(l, i) : a(i, l)} * b(l, j);
            sum += term;
            size += std::abs(term);
          }
          // k + 1 roundings, each of at most half an epsilon of a partial sum.
          const Exact tolerance = static_cast<Exact>(k + 1) * kEpsilon<Scalar> * size;
          ASSERT_TRUE(near(result(i, j), sum, tolerance))
              << m << " x " << k << " x " << n << " at " << i << ", " << j;
        }
      }
    }
  }
};

TYPED_TEST_SUITE(ProductTest, Scalars);

TYPED_TEST(ProductTest, MultipliesWhateverTheTargetHeld) {
  this->expect_product(
      [](auto& a, auto& b, auto& /*addend*/, auto& c) -> auto& {
        multiply<TypeParam>(a, b, c);
        return c;
      },
      false, false);
}

TYPED_TEST(ProductTest, MultipliesAndAdds) {
  this->expect_product(
      [](auto& a, auto& b, auto& addend, auto& c) -> auto& {
        multiply_add<TypeParam>(a, b, addend, c);
        return c;
      },
      false, true);
}

TYPED_TEST(ProductTest, AddsToTheTargetItself) {
  this->expect_product(
      [](auto& a, auto& b, auto& addend, auto& /*c*/) -> auto& {
        accumulate<TypeParam>(a, b, addend);
        return addend;
      },
      false, true);
}

TYPED_TEST(ProductTest, MultipliesTheTransposed) {
  this->expect_product(
      [](auto& a, auto& b, auto& /*addend*/, auto& c) -> auto& {
        multiply_transposed<TypeParam>(a, b, c);
        return c;
      },
      true, false);
}

TYPED_TEST(ProductTest, ReplacesWhatIsNotANumber) {
  auto a = Grid<TypeParam>::random(13, 5, 1), b = Grid<TypeParam>::random(5, 37, 2);
  auto addend = Grid<TypeParam>::random(13, 37, 3);
  Grid<TypeParam> a_transposed(5, 13);
  transpose<TypeParam>(a, a_transposed);
  const auto expect_replaced = [&](auto&& product) {
    Grid<TypeParam> c(13, 37), from_nan(13, 37);
    from_nan.fill(std::numeric_limits<TypeParam>::quiet_NaN());
    product(c);
    product(from_nan);
    EXPECT_TRUE(same_bits(c.values(), from_nan.values()));
  };
  expect_replaced([&](auto& c) { multiply<TypeParam>(a, b, c); });
  expect_replaced([&](auto& c) { multiply_add<TypeParam>(a, b, addend, c); });
  expect_replaced([&](auto& c) { multiply_transposed<TypeParam>(a_transposed, b, c); });
}

// A NaN is seen in its row or column of the product, or where it is added, and nowhere else.
TYPED_TEST(ProductTest, KeepsWhatIsNotANumber) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  auto a = Grid<TypeParam>::random(13, 5, 1), b = Grid<TypeParam>::random(5, 37, 2);
  auto addend = Grid<TypeParam>::random(13, 37, 3);
  Grid<TypeParam> c(13, 37), sum(13, 37);
  a(4, 2) = nan;
  b(3, 36) = nan;
  addend(7, 20) = nan;
  multiply<TypeParam>(a, b, c);
  multiply_add<TypeParam>(a, b, addend, sum);
  for (Index i = 0; i < 13; ++i) {
    for (Index j = 0; j < 37; ++j) {
      const bool of_product = i == 4 || j == 36;
      EXPECT_EQ(std::isnan(c(i, j)), of_product) << i << ", " << j;
      EXPECT_EQ(std::isnan(sum(i, j)), of_product || (i == 7 && j == 20)) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
