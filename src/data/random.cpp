#include "microgpt/random.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace microgpt {
namespace {

// The constants of MT19937: M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998).
constexpr std::size_t kWords = 624;
constexpr std::size_t kShift = 397;
constexpr std::uint32_t kUpperMask = 0x80000000U;
constexpr std::uint32_t kLowerMask = 0x7fffffffU;
constexpr std::uint32_t kMatrixA = 0x9908b0dfU;

void init_by_value(std::array<std::uint32_t, kWords>& words, std::uint32_t seed) {
  words[0] = seed;
  for (std::uint32_t i = 1; i < kWords; ++i) {
    words[i] = 1812433253U * (words[i - 1] ^ (words[i - 1] >> 30U)) + i;
  }
}

// The authors' init_by_array (2002), which CPython gives the seed's 32-bit digits, lowest first.
void init_by_array(std::array<std::uint32_t, kWords>& words, const std::uint32_t* key,
                   std::uint32_t key_length) {
  init_by_value(words, 19650218U);
  std::uint32_t i = 1;
  const auto advance = [&] {
    if (++i == kWords) {
      words[0] = words[kWords - 1];
      i = 1;
    }
  };
  std::uint32_t j = 0;
  for (std::size_t k = std::max<std::size_t>(kWords, key_length); k > 0; --k) {
    words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30U)) * 1664525U)) + key[j] + j;
    advance();
    j = (j + 1) % key_length;
  }
  for (std::size_t k = kWords - 1; k > 0; --k) {
    words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30U)) * 1566083941U)) - i;
    advance();
  }
  words[0] = kUpperMask;
}

}  // namespace

PythonRandom::PythonRandom(std::uint64_t seed) {
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32U)};
  init_by_array(state_.words, key.data(), key[1] == 0 ? 1 : 2);
}

void PythonRandom::refill() {
  auto& words = state_.words;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint32_t y = (words[i] & kUpperMask) | (words[(i + 1) % kWords] & kLowerMask);
    words[i] = words[(i + kShift) % kWords] ^ (y >> 1U) ^ ((y & 1U) != 0 ? kMatrixA : 0U);
  }
  state_.position = 0;
}

std::uint32_t PythonRandom::next_word() {
  if (state_.position >= kWords) refill();
  std::uint32_t y = state_.words[state_.position++];
  y ^= y >> 11U;
  y ^= (y << 7U) & 0x9d2c5680U;
  y ^= (y << 15U) & 0xefc60000U;
  return y ^ (y >> 18U);
}

double PythonRandom::random() {
  const std::uint32_t high = next_word() >> 5U;
  const std::uint32_t low = next_word() >> 6U;
  return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
}

double PythonRandom::gauss(double mean, double deviation) {
  double value = 0;
  if (state_.gauss_next) {
    value = *state_.gauss_next;
    state_.gauss_next.reset();
  } else {
    const double angle = random() * (2.0 * std::numbers::pi);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - random()));
    value = std::cos(angle) * radius;
    state_.gauss_next = std::sin(angle) * radius;
  }
  return mean + value * deviation;
}

std::uint32_t PythonRandom::below(std::uint32_t limit) {
  // Takes as many bits as `limit` has, until they are below it.
  const auto bits = static_cast<int>(std::bit_width(limit));
  std::uint32_t value = 0;
  do {
    value = next_word() >> (32 - bits);
  } while (value >= limit);
  return value;
}

std::size_t PythonRandom::choose(std::span<const double> weights) {
  double total = 0;
  for (const double weight : weights) total += weight;
  const double point = random() * total;
  // bisect_right over the running sums, but for the last one: rounding cannot lead out of range.
  double sum = 0;
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    sum += weights[i];
    if (point < sum) return i;
  }
  return weights.size() - 1;
}

}  // namespace microgpt
