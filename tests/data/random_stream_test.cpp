// The stream of one seed: words, uniform and normal numbers, digit for digit those of CPython 3.11
// after random.seed(seed).
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "microgpt/random.hpp"

namespace microgpt {
namespace {

struct Stream {
  std::uint64_t seed;
  std::array<std::uint32_t, 2> words;  // getrandbits(32): the first and the thousandth
  std::array<double, 3> uniform;       // random(): the first, the second and the thousandth
  std::array<double, 3> normal;        // gauss(0, 1): the first three
  std::uint32_t word_after_normal;     // getrandbits(32) right behind them
  double thousand_and_first;           // gauss(-1.5, 0.25)
};

// 2^32 is the first seed that is two digits to CPython, 2^63 - 1 the largest of a config.
constexpr std::array kStreams{
    Stream{0,
           {3626764237U, 2971151651U},
           {0.8444218515250481, 0.7579544029403025, 0.4804125346981437},
           {0.9417154046806644, -1.3965781047011498, -0.6797144480784211},
           2195908194U,
           -1.06389002085902},
    Stream{1,
           {577090037U, 1877627338U},
           {0.13436424411240122, 0.8474337369372327, 0.7062615472551386},
           {1.2881847531554629, 1.449445608699771, 0.06633580893826191},
           2127877499U,
           -1.612216445098421},
    Stream{42,
           {2746317213U, 4212168831U},
           {0.6394267984578837, 0.025010755222666936, 0.8554501933059546},
           {-0.14409032957792836, -0.1729036003315193, -0.11131586156766246},
           3163119785U,
           -1.1913842873430067},
    Stream{4294967296U,
           {485306839U, 6718883U},
           {0.11299430095636409, 0.41782886486292836, 0.04156870367167198},
           {0.7888598085495195, 0.6779984204616889, 1.3679793770790432},
           3460227584U,
           -1.1090792524687407},
    Stream{9223372036854775807U,
           {1359979423U, 408401363U},
           {0.3166448820870279, 0.631259308253863, 0.17919584474876615},
           {-0.5743629130941533, 1.2905155840981153, 0.3629410941290464},
           2047809456U,
           -1.6691888871641125},
};

// The n-th value, from 1, that `draw` takes from the stream of a seed.
template <class Draw>
auto nth(std::uint64_t seed, int n, Draw&& draw) {
  PythonRandom random(seed);
  for (int i = 1; i < n; ++i) draw(random);
  return draw(random);
}

TEST(PythonRandomStream, HasPythonsWords) {
  const auto word = [](PythonRandom& random) { return random.next_word(); };
  for (const Stream& stream : kStreams) {
    EXPECT_EQ(nth(stream.seed, 1, word), stream.words[0]) << stream.seed;
    EXPECT_EQ(nth(stream.seed, 1000, word), stream.words[1]) << stream.seed;
  }
}

TEST(PythonRandomStream, HasPythonsUniformNumbers) {
  const auto uniform = [](PythonRandom& random) { return random.random(); };
  for (const Stream& stream : kStreams) {
    EXPECT_EQ(nth(stream.seed, 1, uniform), stream.uniform[0]) << stream.seed;
    EXPECT_EQ(nth(stream.seed, 2, uniform), stream.uniform[1]) << stream.seed;
    EXPECT_EQ(nth(stream.seed, 1000, uniform), stream.uniform[2]) << stream.seed;
  }
}

// The second of each pair is kept from the first, and takes nothing from the stream.
TEST(PythonRandomStream, HasPythonsNormalNumbers) {
  for (const Stream& stream : kStreams) {
    PythonRandom random(stream.seed);
    for (const double value : stream.normal) EXPECT_EQ(random.gauss(0, 1), value) << stream.seed;
    EXPECT_EQ(random.next_word(), stream.word_after_normal) << stream.seed;
  }
}

TEST(PythonRandomStream, ScalesAndShiftsNormalNumbersAsPythonDoes) {
  const auto normal = [](PythonRandom& random) { return random.gauss(-1.5, 0.25); };
  for (const Stream& stream : kStreams) {
    EXPECT_EQ(nth(stream.seed, 1001, normal), stream.thousand_and_first) << stream.seed;
  }
}

TEST(PythonRandomStream, DrawsZerosThatCostAsMuchAsOtherNormalNumbers) {
  PythonRandom zeros(42), others(42);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(zeros.gauss(0, 0), 0);
    (void)others.gauss(0, 1);
  }
  EXPECT_EQ(zeros.state(), others.state());
}

}  // namespace
}  // namespace microgpt
