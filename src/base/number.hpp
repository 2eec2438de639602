// Text that is a number, and nothing else.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace microgpt {

/// Nothing where not all of `text` is a number of this type.
template <class Number>
[[nodiscard]] std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

}  // namespace microgpt
