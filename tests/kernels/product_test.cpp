// The four products against a triple loop, for shapes around every size of tile.
#include "kernels/product.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt::kernels {
namespace {

struct Shape {
  Index m, k, n;
};

// Every count of rows by every count of columns up to 40, every depth up to 40, and a few large.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{100, 200, 300}, {1, 1000, 65}, {257, 64, 129}, {7, 3, 1000}, {300, 1, 5}};
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
  // Does `product` to a (m x k, or k x m where it takes its transpose), b and a c that holds
  // numbers already, and holds it against Σ a b, plus c where it accumulates. Strides are larger
  // than rows, and rows start anywhere.
  template <class Product>
  void expect_product(Product&& product, bool transposed, bool accumulates) {
    for (const auto& [m, k, n] : shapes()) {
      auto a =
          transposed ? Grid<Scalar>::random(k, m, m + 3, 1) : Grid<Scalar>::random(m, k, k + 3, 1);
      auto b = Grid<Scalar>::random(k, n, n + 5, 2);
      auto c = Grid<Scalar>::random(m, n, n + 1, 3);
      const auto before = c.values();
      product(a, b, c);
      EXPECT_TRUE(c.edges_are_whole()) << m << " x " << k << " x " << n;

      for (Index i = 0; i < m; ++i) {
        for (Index j = 0; j < n; ++j) {
          Exact sum = accumulates ? before[static_cast<std::size_t>(i * n + j)] : Scalar{0};
          Exact size = std::abs(sum);
          for (Index l = 0; l < k; ++l) {
            const Exact term = Exact{transposed ? a(l, i) : a(i, l)} * b(l, j);
            sum += term;
            size += std::abs(term);
          }
          // k + 1 roundings, each of at most half an epsilon of a partial sum.
          const Exact tolerance = static_cast<Exact>(k + 1) * kEpsilon<Scalar> * size;
          ASSERT_TRUE(near(c(i, j), sum, tolerance))
              << m << " x " << k << " x " << n << " at " << i << ", " << j;
        }
      }
    }
  }
};

TYPED_TEST_SUITE(ProductTest, Scalars);

TYPED_TEST(ProductTest, MultipliesWhateverTheTargetHeld) {
  this->expect_product([](auto& a, auto& b, auto& c) { multiply<TypeParam>(a, b, c); }, false,
                       false);
}

TYPED_TEST(ProductTest, MultipliesAndAdds) {
  this->expect_product([](auto& a, auto& b, auto& c) { multiply_add<TypeParam>(a, b, c); }, false,
                       true);
}

TYPED_TEST(ProductTest, MultipliesTheTransposed) {
  this->expect_product([](auto& a, auto& b, auto& c) { multiply_transposed<TypeParam>(a, b, c); },
                       true, false);
}

TYPED_TEST(ProductTest, MultipliesTheTransposedAndAdds) {
  this->expect_product(
      [](auto& a, auto& b, auto& c) { multiply_transposed_add<TypeParam>(a, b, c); }, true, true);
}

TYPED_TEST(ProductTest, ReplacesWhatIsNotANumber) {
  auto a = Grid<TypeParam>::random(13, 5, 1), b = Grid<TypeParam>::random(5, 37, 2);
  Grid<TypeParam> c(13, 37), from_nan(13, 37);
  from_nan.fill(std::numeric_limits<TypeParam>::quiet_NaN());
  multiply<TypeParam>(a, b, c);
  multiply<TypeParam>(a, b, from_nan);
  EXPECT_TRUE(same_bits(c.values(), from_nan.values()));
}

// A NaN is seen in its row or column of the product, and nowhere else.
TYPED_TEST(ProductTest, KeepsWhatIsNotANumber) {
  const TypeParam nan = std::numeric_limits<TypeParam>::quiet_NaN();
  auto a = Grid<TypeParam>::random(13, 5, 1), b = Grid<TypeParam>::random(5, 37, 2);
  Grid<TypeParam> c(13, 37);
  a(4, 2) = nan;
  b(3, 36) = nan;
  multiply<TypeParam>(a, b, c);
  for (Index i = 0; i < 13; ++i) {
    for (Index j = 0; j < 37; ++j) {
      EXPECT_EQ(std::isnan(c(i, j)), i == 4 || j == 36) << i << ", " << j;
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
