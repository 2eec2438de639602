#include "config/scalar.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utf8.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "base/printable.hpp"

namespace microgpt::config {
namespace {

void refuse_quotes(const Setting& setting, std::string_view wanted) {
  if (setting.quoted) {
    refuse_value(setting, fmt::format("in quotes is text, not {}: remove the quotes", wanted));
  }
}

[[noreturn]] void refuse_range(const Setting& setting, std::string_view allowed) {
  refuse(setting.place,
         fmt::format("{} must be {}, not {}", setting.key, allowed, excerpt(setting.value)));
}

// What std::from_chars made of the whole value.
template <typename Number>
struct Reading {
  Number number{};
  bool is_number = false;
  bool fits = false;

  explicit Reading(const std::string& text) {
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    is_number = end == last && error != std::errc::invalid_argument;
    fits = error == std::errc{};
  }
};

bool contains(RealRange range, double number) {
  return (range.zero_allowed ? number >= 0.0 : number > 0.0) &&
         (range.high_allowed ? number <= range.high : number < range.high);
}

std::string words_of(RealRange range) {
  const std::string_view low = range.zero_allowed ? "at least 0" : "above 0";
  if (std::isinf(range.high)) return std::string(low);
  return fmt::format("{} and {} {}", low, range.high_allowed ? "at most" : "below", range.high);
}

}  // namespace

std::int64_t read_whole(const Setting& setting, WholeRange range, std::string_view or_word) {
  refuse_quotes(setting, "a number");
  const Reading<std::int64_t> reading(setting.value);
  if (!reading.is_number) {
    refuse_value(setting, or_word.empty() ? "is not a whole number"
                                          : fmt::format("is not a whole number or {}", or_word));
  }
  if (!reading.fits || reading.number < range.low || reading.number > range.high) {
    refuse_range(setting, fmt::format("from {} to {}", range.low, range.high));
  }
  return reading.number;
}

double read_real(const Setting& setting, RealRange range) {
  refuse_quotes(setting, "a number");
  const Reading<double> reading(setting.value);
  if (!reading.is_number || !std::isfinite(reading.number)) {
    refuse_value(setting, "is not a number");
  }
  if (!reading.fits) refuse_value(setting, "is too large or too small for a number");
  if (!contains(range, reading.number)) refuse_range(setting, words_of(range));
  return reading.number;
}

std::size_t read_word(const Setting& setting, std::span<const std::string_view> words) {
  const auto found = std::ranges::find(words, setting.value);
  if (found == words.end()) {
    refuse_value(setting, fmt::format("is not one of {}", fmt::join(words, ", ")));
  }
  return static_cast<std::size_t>(found - words.begin());
}

bool read_switch(const Setting& setting) {
  refuse_quotes(setting, "true or false");
  // YAML 1.2 knows three spellings of each.
  for (const std::string_view word : {"True", "TRUE"}) {
    if (setting.value == word) return true;
  }
  for (const std::string_view word : {"False", "FALSE"}) {
    if (setting.value == word) return false;
  }
  static constexpr std::array<std::string_view, 2> kWords{"true", "false"};
  return read_word(setting, kWords) == 0;
}

std::filesystem::path read_path(const Setting& setting, const std::filesystem::path& folder) {
  if (setting.value.empty()) refuse(setting.place, setting.key + " is empty: name a file");
  if (setting.value.find('\0') != std::string::npos) refuse_value(setting, "holds a NUL character");
  std::error_code error;
  const auto literal = std::filesystem::absolute(folder / setting.value, error);
  if (error) refuse_value(setting, "cannot be made absolute: " + error.message());
  // Behind a link, `..` is the parent of what the link points to.
  const auto normal = literal.lexically_normal();
  const bool is_same = !std::filesystem::exists(literal, error) ||
                       std::filesystem::equivalent(literal, normal, error);
  const auto& path = is_same ? normal : literal;
  // It is stored as YAML text in every checkpoint, and YAML can hold nothing else.
  if (!utf8::is_valid(path.native())) {
    refuse(setting.place, fmt::format("{}: the path '{}' is not UTF-8: rename file or folder",
                                      setting.key, printable(path.native())));
  }
  for (auto place = path.native().begin(); place != path.native().end();) {
    const char32_t c = utf8::unchecked::next(place);
    if ((c & 0xfffeU) != 0xfffeU && (c < 0xfdd0U || c > 0xfdefU)) continue;
    refuse(setting.place,
           fmt::format("{}: the path '{}' holds U+{:04X}, which YAML cannot: rename "
                       "file or folder",
                       setting.key, printable(path.native()), static_cast<std::uint32_t>(c)));
  }
  return path;
}

std::string write_real(double number) {
  std::string text = fmt::format("{}", number);
  // YAML 1.1 readers, PyYAML among them, take 1e-08 for text; 1.0e-08 is a number to all.
  const auto exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(exponent, ".0");
  }
  return text;
}

std::string write_path(const std::filesystem::path& path) {
  static constexpr std::string_view kHarmless =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+";
  const std::string& text = path.native();
  if (text.starts_with('/') && text.find_first_not_of(kHarmless) == std::string::npos) return text;
  YAML::Emitter quoted;
  quoted << YAML::DoubleQuoted << text;
  return quoted.c_str();
}

}  // namespace microgpt::config
