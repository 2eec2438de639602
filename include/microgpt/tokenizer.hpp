// Characters to tokens and back: token i is the i-th of the sorted code points, BOS comes last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace microgpt {

using Token = std::int32_t;

class Tokenizer {
 public:
  /// `code_points`: of Unicode, strictly increasing.
  explicit Tokenizer(std::vector<char32_t> code_points);

  /// The sorted set of the characters of `text`, which are of Unicode.
  static Tokenizer of_text(std::u32string_view text);

  /// Begin-of-sequence: stands before and behind every document.
  [[nodiscard]] Token bos() const { return static_cast<Token>(code_points_.size()); }
  /// Characters and BOS.
  [[nodiscard]] std::int64_t vocab_size() const { return bos() + 1; }
  [[nodiscard]] const std::vector<char32_t>& code_points() const { return code_points_; }

  /// The token of a character, or nothing where the model does not know it.
  [[nodiscard]] std::optional<Token> encode(char32_t character) const {
    if (character >= token_of_.size() || token_of_[character] == kNone) return std::nullopt;
    return token_of_[character];
  }
  /// The character of a token other than BOS.
  [[nodiscard]] char32_t decode(Token token) const {
    return code_points_[static_cast<std::size_t>(token)];
  }
  /// The tokens of UTF-8 `text`. Throws InputError that names `what` (for instance "--prompt") and
  /// the first character that is unknown, or says that the text is not UTF-8.
  [[nodiscard]] std::vector<Token> encode_text(std::string_view text, std::string_view what) const;

 private:
  static constexpr Token kNone = -1;

  std::vector<char32_t> code_points_;
  std::vector<Token> token_of_;  // for each character up to the last one of code_points_
};

}  // namespace microgpt
