// The set of the characters that texts use.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace microgpt {

class Alphabet {
 public:
  void add(std::u32string_view text) {
    for (const char32_t character : text) {
      if (seen_[character]) continue;
      seen_[character] = true;
      code_points_.push_back(character);
    }
  }

  /// Each character once, rising.
  [[nodiscard]] std::vector<char32_t> sorted() const {
    std::vector<char32_t> code_points = code_points_;
    std::ranges::sort(code_points);
    return code_points;
  }

 private:
  static constexpr std::size_t kCodePoints = 0x110000;  // in Unicode
  std::vector<bool> seen_ = std::vector<bool>(kCodePoints);
  std::vector<char32_t> code_points_;
};

}  // namespace microgpt
