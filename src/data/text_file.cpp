#include "data/text_file.hpp"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <span>
#include <system_error>

#include "base/available_memory.hpp"
#include "base/file_error.hpp"
#include "base/sha256.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

// Bytes of memory for each byte of the file, at most: the byte, and 4 each for its character and
// its token.
constexpr std::int64_t kBytesPerByte = 9;

[[noreturn]] void refuse_unreadable(const std::filesystem::path& file, int error) {
  throw_about<InputError>(
      file,
      fmt::format("cannot be read: {}; check the path and the permissions", system_reason(error)));
}

std::string read_bytes(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (std::filesystem::is_directory(status)) {
    throw_about<InputError>(file, "is a folder; name a text file");
  }
  if (error) refuse_unreadable(file, error.value());
  // A device or a pipe may have no end.
  if (!std::filesystem::is_regular_file(status)) {
    throw_about<InputError>(file, "is not a regular file; name a text file");
  }

  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) refuse_unreadable(file, error.value());
  std::int64_t needed = 0;
  if (__builtin_mul_overflow(size, kBytesPerByte, &needed)) needed = INT64_MAX;
  require_memory(needed, file.string(), "use a smaller file");

  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string bytes;
  bytes.reserve(size);
  std::array<char, 1 << 16> chunk{};
  while (stream.read(chunk.data(), chunk.size()), stream.gcount() > 0) {
    bytes.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) refuse_unreadable(file, errno);
  return bytes;
}

// The line, from 1, in which the byte at `index` stands, whatever line ends are used before it.
std::int64_t line_of_byte(std::string_view bytes, std::size_t index) {
  std::int64_t line = 1;
  for (std::size_t i = 0; i < index; ++i) {
    const bool line_feed_of_pair = bytes[i] == '\n' && i > 0 && bytes[i - 1] == '\r';
    if (bytes[i] == '\r' || (bytes[i] == '\n' && !line_feed_of_pair)) ++line;
  }
  return line;
}

// \r\n and \r become \n, as in Python's text mode.
void translate_line_ends(std::u32string& text) {
  auto to = text.begin();
  for (auto from = text.begin(); from != text.end(); ++from) {
    if (*from == U'\r') {
      *to++ = U'\n';
      if (std::next(from) != text.end() && *std::next(from) == U'\n') ++from;
    } else {
      *to++ = *from;
    }
  }
  text.erase(to, text.end());
}

}  // namespace

TextFile read_text_file(const std::filesystem::path& file) {
  const std::string bytes = read_bytes(file);
  const auto invalid = utf8::find_invalid(bytes.begin(), bytes.end());
  if (invalid != bytes.end()) {
    const auto index = static_cast<std::size_t>(invalid - bytes.begin());
    throw InputError(fmt::format(
        "{}:{}: not UTF-8 (byte 0x{:02x}); convert the file, for instance "
        "with iconv -t UTF-8",
        file.string(), line_of_byte(bytes, index), static_cast<unsigned char>(*invalid)));
  }

  TextFile result;
  Sha256 digest;
  digest.update(std::as_bytes(std::span(bytes)));
  result.sha256 = digest.hex();
  result.text.resize(bytes.size());  // at most so many characters
  char32_t* const text = result.text.data();
  const char32_t* const end = utf8::unchecked::utf8to32(bytes.begin(), bytes.end(), text);
  result.text.resize(static_cast<std::size_t>(end - text));
  if (bytes.find('\r') != std::string::npos) translate_line_ends(result.text);
  return result;
}

bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

std::u32string_view strip(std::u32string_view line) {
  while (!line.empty() && is_python_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_python_space(line.back())) line.remove_suffix(1);
  return line;
}

std::int64_t line_number(std::u32string_view text, std::size_t index) {
  const auto before = text.substr(0, index);
  return 1 + std::count(before.begin(), before.end(), U'\n');
}

std::string to_utf8(std::u32string_view characters) {
  std::string bytes;
  utf8::unchecked::utf32to8(characters.begin(), characters.end(), std::back_inserter(bytes));
  return bytes;
}

std::string describe_character(char32_t character) {
  const auto code = static_cast<std::uint32_t>(character);
  const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  if (control || is_python_space(character)) return fmt::format("U+{:04X}", code);
  return fmt::format("'{}' (U+{:04X})", to_utf8({&character, 1}), code);
}

}  // namespace microgpt
