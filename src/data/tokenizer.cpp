#include "microgpt/tokenizer.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <iterator>

#include "data/alphabet.hpp"
#include "data/text_file.hpp"
#include "microgpt/error.hpp"

namespace microgpt {

Tokenizer::Tokenizer(std::vector<char32_t> code_points) : code_points_(std::move(code_points)) {
  if (code_points_.empty()) return;
  token_of_.assign(static_cast<std::size_t>(code_points_.back()) + 1, kNone);
  for (std::size_t i = 0; i < code_points_.size(); ++i) {
    token_of_[code_points_[i]] = static_cast<Token>(i);
  }
}

Tokenizer Tokenizer::of_text(std::u32string_view text) {
  Alphabet alphabet;
  alphabet.add(text);
  return Tokenizer(alphabet.sorted());
}

std::vector<Token> Tokenizer::encode_text(std::string_view text, std::string_view what) const {
  if (!utf8::is_valid(text.begin(), text.end())) {
    throw InputError(fmt::format("{}: is not UTF-8", what));
  }
  std::u32string characters;
  utf8::unchecked::utf8to32(text.begin(), text.end(), std::back_inserter(characters));
  std::vector<Token> tokens;
  for (const char32_t character : characters) {
    const auto token = encode(character);
    if (!token) {
      throw InputError(
          fmt::format("{}: the model does not know the character {}; it knows {} others", what,
                      describe_character(character), code_points_.size()));
    }
    tokens.push_back(*token);
  }
  return tokens;
}

}  // namespace microgpt
