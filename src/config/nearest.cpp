#include "config/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace microgpt::config {
namespace {

// No key is as long; comparing more of a hostile one would only take time.
constexpr std::size_t kLongestTyped = 64;

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' || c == ' ' ? '_' : c;
}

// The share of characters that differ; half of it where only some are left out: of a key's words
// the most telling one is typed.
double difference(std::string_view typed, std::string_view word) {
  constexpr std::size_t kTelling = 3;
  const double share = static_cast<double>(edit_distance(typed, word)) /
                       static_cast<double>(std::max(typed.size(), word.size()));
  const bool is_part = typed.size() >= kTelling && word.find(typed) != std::string_view::npos;
  return is_part ? share / 2 : share;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows of the table of distances between the first i characters of a and the first j of b.
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::string_view nearest(std::string_view typed, std::span<const std::string_view> words) {
  std::string text(typed.substr(0, kLongestTyped));
  std::ranges::transform(text, text.begin(), folded);
  return *std::ranges::min_element(
      words, {}, [&text](std::string_view word) { return difference(text, word); });
}

}  // namespace microgpt::config
