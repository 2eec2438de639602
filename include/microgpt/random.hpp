// CPython's random module, bit for bit: MT19937 seeded as random.seed(int), and the draws that
// microgpt.py makes. The same seed gives the same shuffle, weights and samples as the Python
// script.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace microgpt {

class PythonRandom {
 public:
  /// What random.getstate() holds.
  struct State {
    std::array<std::uint32_t, 624> words{};
    std::uint32_t position = 624;  ///< next word to use; 624: all are used up
    std::optional<double> gauss_next;
    bool operator==(const State&) const = default;
  };

  /// random.seed(seed).
  explicit PythonRandom(std::uint64_t seed);
  explicit PythonRandom(const State& state) : state_(state) {}

  [[nodiscard]] const State& state() const { return state_; }

  /// random.getrandbits(32): the raw output of MT19937 (Matsumoto and Nishimura, 1998).
  std::uint32_t next_word();

  /// random.random(): uniform in [0, 1), 53 bits.
  double random();

  /// random.gauss(mean, deviation): Box-Muller; every second value comes from the pair before.
  double gauss(double mean, double deviation);

  /// random.randrange(limit) for 1 <= limit < 2^32.
  std::uint32_t below(std::uint32_t limit);

  /// random.choices(range(n), weights)[0]: an index drawn in proportion to its weight.
  /// The weights are not negative and their sum is positive and finite.
  std::size_t choose(std::span<const double> weights);

  /// random.shuffle(items), for fewer than 2^32 of them.
  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(static_cast<std::uint32_t>(i))]);
    }
  }

 private:
  void refill();

  State state_;
};

}  // namespace microgpt
