// Single values, strictly: text in, a number, word or path out, and back to YAML text.
//
// Every read_ function throws InputError that names place, key and value, and what is allowed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "config/setting.hpp"

namespace microgpt::config {

/// Both ends are allowed.
struct WholeRange {
  std::int64_t low;
  std::int64_t high;
};

/// Every real key starts at 0: what differs is whether the ends themselves are allowed.
struct RealRange {
  bool zero_allowed;
  double high;
  bool high_allowed;
};

/// Decimal digits with an optional minus: no 1e3, 0x10, 1_000 or 3.0. `or_word`, if any, is what
/// the key would take instead; it is only for the message.
[[nodiscard]] std::int64_t read_whole(const Setting& setting, WholeRange range,
                                      std::string_view or_word = {});

/// 0.5, .5, 1e-3, 3; neither infinite nor NaN.
[[nodiscard]] double read_real(const Setting& setting, RealRange range);

/// The position of the value among `words`.
[[nodiscard]] std::size_t read_word(const Setting& setting,
                                    std::span<const std::string_view> words);

/// `true` or `false`, or as YAML spells them too: True, TRUE, False, FALSE.
[[nodiscard]] bool read_switch(const Setting& setting);

/// A path, absolute and normal; a relative one starts at `folder`.
[[nodiscard]] std::filesystem::path read_path(const Setting& setting,
                                              const std::filesystem::path& folder);

/// The shortest text that reads back to the same double.
[[nodiscard]] std::string write_real(double number);

/// The path as a YAML scalar, in double quotes unless it is plainly harmless without.
[[nodiscard]] std::string write_path(const std::filesystem::path& path);

}  // namespace microgpt::config
