// Any temperature above 0 gives text.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <map>

#include "support.hpp"

namespace microgpt {
namespace {

constexpr std::array kExtremes{
    std::numeric_limits<double>::denorm_min(), 1e-300, 1e-6, 1e-3, 1.0, 1e6, 1e300,
    std::numeric_limits<double>::max()};

class TemperatureTest : public ::testing::Test {
 protected:
  Writer<float> writer_;
};

TEST_F(TemperatureTest, OfAnySizeGivesTextThatMayEnd) {
  for (const double temperature : kExtremes) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      EXPECT_LE(length_of(writer_.write({temperature, 30, true}, seed)), 30) << temperature;
    }
  }
}

// Also where BOS is so much more probable than the rest that the rest has no weight in double.
TEST_F(TemperatureTest, OfAnySizeGivesTextThatDoesNotEnd) {
  for (const double temperature : kExtremes) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      EXPECT_EQ(length_of(writer_.write({temperature, 200, false}, seed)), 200) << temperature;
    }
  }
}

TEST_F(TemperatureTest, OfNearlyZeroTakesTheMostProbable) {
  const std::string text = writer_.write({1e-300, 30, true}, 1);
  for (const double temperature : {1e-300, 1e-6}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      EXPECT_EQ(writer_.write({temperature, 30, true}, seed), text) << temperature;
    }
  }
}

// Of 8,000 draws each of 8 characters gets 1,000, give or take five standard deviations.
TEST_F(TemperatureTest, OfAMillionTakesAllAlike) {
  const std::string text = writer_.write({1e6, 8000, false}, 1);
  std::map<Token, int> counts;
  for (const Token token : writer_.tokenizer.encode_text(text, "text")) ++counts[token];
  EXPECT_EQ(counts.size(), 8U);
  for (const auto& [token, count] : counts) EXPECT_NEAR(count, 1000, 150) << token;
}

}  // namespace
}  // namespace microgpt
