// What is drawn from the stream: orders, whole numbers and weighted choices, as CPython 3.11 draws
// them after random.seed(seed).
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "microgpt/random.hpp"

namespace microgpt {
namespace {

// Stands for a long list: ((first · 31 + second) · 31 + …) modulo 2^32.
std::uint32_t checksum(const std::vector<std::uint32_t>& values) {
  return std::accumulate(values.begin(), values.end(), 0U,
                         [](std::uint32_t sum, std::uint32_t value) { return sum * 31U + value; });
}

std::vector<std::uint32_t> shuffled(std::uint32_t count, PythonRandom& random) {
  std::vector<std::uint32_t> items(count);
  std::iota(items.begin(), items.end(), 0U);
  random.shuffle(std::span(items));
  return items;
}

TEST(PythonRandomDraws, ShufflesAsPythonDoes) {
  struct Case {
    std::uint64_t seed;
    std::vector<std::uint32_t> ten;
    std::uint32_t thousand;  // checksum
    std::uint32_t word_after_thousand;
  };
  for (const auto& [seed, ten, thousand, word_after_thousand] : {
           Case{0, {7, 8, 1, 5, 3, 4, 2, 0, 9, 6}, 4121276736U, 1835197452U},
           Case{1, {6, 8, 9, 7, 5, 3, 0, 4, 1, 2}, 1877485142U, 391003979U},
           Case{42, {7, 3, 2, 8, 5, 6, 9, 4, 0, 1}, 2172613296U, 1754569613U},
           Case{4294967296U, {8, 9, 3, 2, 4, 7, 0, 6, 5, 1}, 3165278300U, 1902161865U},
           Case{9223372036854775807U, {4, 1, 9, 8, 6, 0, 3, 7, 2, 5}, 1670341306U, 2164250610U},
       }) {
    PythonRandom first(seed), second(seed);
    EXPECT_EQ(shuffled(10, first), ten) << seed;
    EXPECT_EQ(checksum(shuffled(1000, second)), thousand) << seed;
    EXPECT_EQ(second.next_word(), word_after_thousand) << seed;
  }
}

TEST(PythonRandomDraws, LeaveTheStreamWhereNothingIsToBeShuffled) {
  PythonRandom random(42);
  const auto before = random.state();
  EXPECT_EQ(shuffled(0, random), std::vector<std::uint32_t>{});
  EXPECT_EQ(shuffled(1, random), std::vector<std::uint32_t>{0});
  EXPECT_EQ(random.state(), before);
}

// Powers of two and their neighbours, up to 32 bits.
constexpr std::array kLimits{1U,     2U,     3U,          10U,         1000U,
                             65536U, 65537U, 2147483648U, 2147483649U, 4294967295U};

// random.randrange(limit) for each, one behind the other.
TEST(PythonRandomDraws, AreBelowEveryLimitAsInPython) {
  struct Case {
    std::uint64_t seed;
    std::array<std::uint32_t, kLimits.size()> values;
  };
  for (const auto& [seed, values] : {
           Case{0, {0, 1, 0, 4, 988, 63691, 53075, 1302718217U, 2046968324U, 1537810351U}},
           Case{1, {0, 0, 1, 1, 507, 58915, 61898, 1630434966U, 901749037U, 403123852U}},
           Case{42, {0, 0, 2, 4, 250, 29256, 18289, 440213415U, 373399426U, 2536146025U}},
           Case{4294967296U, {0, 1, 1, 0, 23, 43451, 59220, 60122280U, 593069562U, 325445696U}},
           Case{9223372036854775807U,
                {0, 0, 1, 7, 111, 62494, 36118, 713180873U, 1546769679U, 2653543119U}},
       }) {
    PythonRandom random(seed);
    for (std::size_t i = 0; i < kLimits.size(); ++i) {
      EXPECT_EQ(random.below(kLimits[i]), values[i]) << seed << ", limit " << kLimits[i];
    }
  }
}

// Forty times random.choices(range(n), weights)[0] after random.seed(42), a digit each.
TEST(PythonRandomDraws, ChooseByWeightAsPythonDoes) {
  struct Case {
    std::vector<double> weights;
    std::string_view choices;
  };
  for (const auto& [weights, choices] : {
           Case{{0, 1, 0, 2.5, 0}, "3111333131131133133133313311333333333333"},
           Case{std::vector<double>(10, 0.1), "6022768040250165258086319300868759358685"},
           Case{{3}, "0000000000000000000000000000000000000000"},
           Case{{1e-300, 2e-300, 1e-300}, "1010112010010011012021102100212112112121"},
           Case{{1e307, 3e307, 5e307}, "2011222010120122122022112100222222122222"},
       }) {
    PythonRandom random(42);
    std::string chosen;
    for (int i = 0; i < 40; ++i) chosen += std::to_string(random.choose(weights));
    EXPECT_EQ(chosen, choices);
    EXPECT_EQ(random.next_word(), 3026113008U);  // each choice takes one random()
  }
}

TEST(PythonRandomDraws, ChooseAmongManyAsPythonDoes) {
  std::vector<double> weights;  // every seventh cannot be chosen
  for (int i = 0; i < 1000; ++i) weights.push_back(i % 7);
  PythonRandom random(42);
  std::vector<std::uint32_t> choices;
  for (int i = 0; i < 1000; ++i) {
    choices.push_back(static_cast<std::uint32_t>(random.choose(weights)));
    EXPECT_NE(choices.back() % 7, 0U);
  }
  EXPECT_EQ(checksum(choices), 596798323U);
}

// Words of zero give a random() of exactly 0, which lies behind all that has no weight.
TEST(PythonRandomDraws, ChooseTheFirstWithAWeightAtZero) {
  PythonRandom random(PythonRandom::State{.words = {}, .position = 0, .gauss_next = {}});
  EXPECT_EQ(random.random(), 0);
  EXPECT_EQ(random.choose(std::vector<double>{0, 0, 1, 2}), 2U);
  EXPECT_EQ(random.choose(std::vector<double>{1, 2}), 0U);
}

// The last index with a weight is the farthest that any number in [0, 1) can lead.
TEST(PythonRandomDraws, NeverChooseWhatHasNoWeight) {
  const std::vector<double> weights{0, 0.1, 0.2, 0.3, 0, 0.7, 0, 0};
  PythonRandom random(7);
  for (int i = 0; i < 100'000; ++i) {
    const std::size_t chosen = random.choose(weights);
    ASSERT_GT(weights[chosen], 0) << chosen;
  }
}

}  // namespace
}  // namespace microgpt
