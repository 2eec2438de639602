// The state of the random stream: what a checkpoint keeps is all that the stream goes on from.
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <sstream>
#include <vector>

#include "microgpt/random.hpp"

namespace microgpt {
namespace {

// A little of everything that is drawn, in an order in which pairs of normal numbers are split.
std::vector<double> mixed_draws(PythonRandom& random) {
  const std::vector<double> weights{1, 0, 2, 3};
  std::vector<int> items(10);
  std::iota(items.begin(), items.end(), 0);
  std::vector<double> draws;
  for (int round = 0; round < 100; ++round) {
    draws.push_back(random.gauss(0, 1));
    draws.push_back(random.random());
    draws.push_back(static_cast<double>(random.choose(weights)));
    draws.push_back(random.below(27));
    random.shuffle(std::span(items));
    draws.insert(draws.end(), items.begin(), items.end());
  }
  return draws;
}

TEST(PythonRandomState, GoesOnFromAnyPoint) {
  for (const int words_before : {0, 1, 623, 624, 625, 2000}) {
    PythonRandom random(42);
    for (int i = 0; i < words_before; ++i) (void)random.next_word();
    PythonRandom copy(random.state());
    EXPECT_EQ(mixed_draws(copy), mixed_draws(random)) << words_before;
    EXPECT_EQ(copy.state(), random.state()) << words_before;
  }
}

TEST(PythonRandomState, HoldsTheSecondOfAPairOfNormalNumbers) {
  PythonRandom random(42);
  EXPECT_EQ(random.gauss(0, 1), -0.14409032957792836);
  EXPECT_EQ(random.state().gauss_next, -0.1729036003315193);

  PythonRandom copy(random.state());
  EXPECT_EQ(copy.gauss(0, 1), -0.1729036003315193);
  EXPECT_EQ(copy.state().gauss_next, std::nullopt);
  EXPECT_EQ(copy.gauss(0, 1), -0.11131586156766246);
}

TEST(PythonRandomState, ComparesEverything) {
  const PythonRandom::State state = PythonRandom(42).state();
  auto other_word = state, other_position = state, other_normal = state;
  other_word.words[623] ^= 1U;
  --other_position.position;
  other_normal.gauss_next = 0.0;
  EXPECT_EQ(state, PythonRandom(42).state());
  EXPECT_NE(state, other_word);
  EXPECT_NE(state, other_position);
  EXPECT_NE(state, other_normal);
}

// The standard library has the same generator, seeded otherwise: with its words as state, ours
// gives what it gives; the ten thousandth word is the one that the C++ standard names.
TEST(PythonRandomState, IsThatOfTheStandardLibrarysMersenneTwister) {
  std::mt19937 standard;
  std::stringstream text;
  text << standard;
  PythonRandom::State state;
  for (std::uint32_t& word : state.words) text >> word;

  PythonRandom random(state);
  for (int i = 1; i < 10'000; ++i) ASSERT_EQ(random.next_word(), standard()) << i;
  EXPECT_EQ(random.next_word(), 4123659995U);
}

}  // namespace
}  // namespace microgpt
