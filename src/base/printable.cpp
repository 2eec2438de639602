#include "base/printable.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <iterator>

namespace microgpt {
namespace {

// Includes the C1 controls, which some terminals obey, and the marks that reverse text.
bool is_unfit(char32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
         (character >= 0x2028 && character <= 0x202e);
}

std::string escaped(char32_t character) {
  switch (character) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\u{:04x}", static_cast<unsigned>(character));
  }
}

std::string printable_start(std::string_view text, std::size_t longest) {
  std::string line;
  auto here = text.begin();
  for (std::size_t count = 0; here != text.end(); ++count) {
    if (count == longest) return line + "...";
    const auto start = here;
    try {
      const char32_t character = utf8::next(here, text.end());
      if (is_unfit(character)) {
        line += escaped(character);
      } else {
        line.append(start, here);
      }
    } catch (const utf8::exception&) {
      here = std::next(start);
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(*start));
    }
  }
  return line;
}

}  // namespace

std::string printable(std::string_view text) { return printable_start(text, text.size()); }

std::string excerpt(std::string_view text) { return printable_start(text, 60); }

}  // namespace microgpt
