// Norm, softmax and attention of one row.
#include "kernels/row_functions.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "attention_support.hpp"
#include "support.hpp"

namespace microgpt::kernels {
namespace {

constexpr Index kLongest = 70;

template <class Scalar>
class RowFunctionsTest : public ::testing::Test {
 protected:
  static constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();

  static std::vector<Exact> exact(const Grid<Scalar>& row) {
    const auto values = row.values();
    return {values.begin(), values.end()};
  }
};

TYPED_TEST_SUITE(RowFunctionsTest, Scalars);

TYPED_TEST(RowFunctionsTest, NormDividesByTheRootOfTheMeanSquare) {
  for (Index count = 1; count <= kLongest; ++count) {
    for (const double size : {1.0, 1e-3, 1e-6, 1e6, 0.0}) {
      auto x = Grid<TypeParam>::random(1, count, 1);
      x.for_each([&](TypeParam& element) { element *= static_cast<TypeParam>(size); });
      x.fill_behind_rows(this->kNan);
      Grid<TypeParam> y(1, count);
      rmsnorm_row(x.row(0), count, y.row(0));
      EXPECT_TRUE(y.surroundings_are_whole()) << count;
      const auto values = this->exact(x);
      const Exact squares =
          std::inner_product(values.begin(), values.end(), values.begin(), Exact{0});
      const Exact factor = 1 / std::sqrt(squares / static_cast<Exact>(count) + 1e-5L);
      for (Index i = 0; i < count; ++i) {
        const Exact expected = x(0, i) * factor;
        EXPECT_TRUE(near(y(0, i), expected, 4 * kEpsilon<TypeParam> * std::abs(expected)))
            << i << " of " << count;
      }
      rmsnorm_row(x.row(0), count, x.row(0));
      EXPECT_TRUE(same_bits(x.values(), y.values())) << count << " in place";
    }
  }
}

TYPED_TEST(RowFunctionsTest, NormShowsWhatIsNotANumber) {
  for (Index count = 1; count <= kLongest; ++count) {
    for (Index at = 0; at < count; ++at) {
      auto x = Grid<TypeParam>::random(1, count, 1);
      x(0, at) = this->kNan;
      rmsnorm_row(x.row(0), count, x.row(0));
      for (const TypeParam element : x.values()) EXPECT_TRUE(std::isnan(element)) << count;
    }
  }
}

TYPED_TEST(RowFunctionsTest, SoftmaxIsThatOfScaledScores) {
  for (Index count = 1; count <= kLongest; ++count) {
    for (const double scale : {1.0, 0.25, 3.0}) {
      auto row = Grid<TypeParam>::random(1, count, 1);
      row.fill_behind_rows(this->kNan);  // to be replaced by 0
      const auto scores = this->exact(row);
      softmax_row(row.row(0), count, static_cast<TypeParam>(scale));
      EXPECT_TRUE(row.surroundings_are_whole()) << count;
      Exact sum = 0;
      for (const Exact score : scores) sum += std::exp(scale * score);
      for (Index i = 0; i < count; ++i) {
        const Exact expected = std::exp(scale * scores[static_cast<std::size_t>(i)]) / sum;
        EXPECT_TRUE(near(row(0, i), expected, 12 * kEpsilon<TypeParam> * expected))
            << i << " of " << count << ", scale " << scale;
      }
      for (Index i = count; i < padded<TypeParam>(count); ++i) EXPECT_EQ(row.row(0)[i], 0);
    }
  }
}

// Only differences count, so that no size of scores can overflow.
TYPED_TEST(RowFunctionsTest, SoftmaxStaysFiniteForLargeScores) {
  for (Index count = 1; count <= kLongest; ++count) {
    for (Index largest = 0; largest < count; ++largest) {
      Grid<TypeParam> row(1, count);
      row.fill(TypeParam(-1e30));
      row(0, largest) = TypeParam(1e30);
      softmax_row(row.row(0), count, TypeParam{1});
      for (Index i = 0; i < count; ++i) {
        EXPECT_TRUE(near(row(0, i), i == largest ? 1 : 0, std::numeric_limits<TypeParam>::min()))
            << i << " of " << count;
      }
    }
  }
}

TYPED_TEST(RowFunctionsTest, SoftmaxShowsWhatIsNotANumber) {
  for (Index count = 1; count <= kLongest; ++count) {
    for (Index at = 0; at < count; ++at) {
      auto row = Grid<TypeParam>::random(1, count, 1);
      row(0, at) = this->kNan;
      softmax_row(row.row(0), count, TypeParam(0.5));
      for (Index i = 0; i < count; ++i) {
        EXPECT_TRUE(std::isnan(row(0, i))) << at << " of " << count << " at " << i;
      }
    }
  }
}

// What is read behind the last position (of keys) and kept behind the last score is masked out.
TYPED_TEST(RowFunctionsTest, AttentionIsThatOfEachHead) {
  for (const Index n_head : {1, 2, 3}) {
    for (const Index head_size : {1, 4, 5, 16, 33}) {
      for (const Index positions : {1, 2, 15, 16, 17, 40}) {
        const Index n_embd = n_head * head_size;
        auto query = Grid<TypeParam>::random(1, n_embd, 1);
        auto keys = Grid<TypeParam>::random(n_embd, positions, 2);
        auto values = Grid<TypeParam>::random(positions, n_embd, 3);
        keys.fill_surroundings(this->kNan);
        values.fill_surroundings(this->kNan);
        Grid<TypeParam> scores(n_head, positions);
        Grid<TypeParam> out(1, n_embd);
        attention_row<TypeParam>(query.row(0), keys, values, scores, out.row(0));
        EXPECT_TRUE(out.edges_are_whole());
        EXPECT_TRUE(scores.surroundings_are_whole());
        // The query is that of the last position.
        ExactMatrix qkv(3 * n_embd, positions);
        for (Index i = 0; i < n_embd; ++i) {
          qkv(i, positions - 1) = query(0, i);
          for (Index t = 0; t < positions; ++t) {
            qkv(n_embd + i, t) = keys(i, t);
            qkv(2 * n_embd + i, t) = values(t, i);
          }
        }
        const auto expected = exact_attention({positions, n_head, head_size}, qkv).out;
        for (Index i = 0; i < n_embd; ++i) {
          EXPECT_TRUE(near(out(0, i), expected(i, positions - 1), 50 * kEpsilon<TypeParam>))
              << i << " of " << n_head << " x " << head_size << ", " << positions << " positions";
        }
      }
    }
  }
}

}  // namespace
}  // namespace microgpt::kernels
