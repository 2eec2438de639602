// A dataset's file as text: read whole, checked to be UTF-8, with Python's idea of lines and
// blanks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace microgpt {

struct TextFile {
  std::u32string text;  ///< line ends are \n, whatever they were in the file
  std::string sha256;   ///< of the bytes as they are in the file
};

/// Throws InputError that names the file where it cannot be read, and the line where it is not
/// UTF-8.
[[nodiscard]] TextFile read_text_file(const std::filesystem::path& file);

/// Whether str.strip() takes the character away: Unicode's white space and bidirectional
/// separators.
[[nodiscard]] bool is_python_space(char32_t character);

/// str.strip().
[[nodiscard]] std::u32string_view strip(std::u32string_view line);

/// The line, from 1, in which text[index] stands.
[[nodiscard]] std::int64_t line_number(std::u32string_view text, std::size_t index);

/// UTF-8 of characters, for output and messages.
[[nodiscard]] std::string to_utf8(std::u32string_view characters);

/// A character as a message shows it: 'é' (U+00E9), or U+000A alone for what is not printable.
[[nodiscard]] std::string describe_character(char32_t character);

}  // namespace microgpt
