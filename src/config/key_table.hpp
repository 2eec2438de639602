// The one table of keys: name, meaning, range, how a key is read into a Config and written from
// it. Parsing, --set, --help and the written-out config all go through it.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "config/setting.hpp"
#include "microgpt/config.hpp"

namespace microgpt::config {

struct Key {
  std::string_view name;
  std::string_view meaning;
  /// Puts the value into the Config or throws InputError. A relative path starts at `folder`.
  std::function<void(const Setting&, const std::filesystem::path& folder, Config&)> read;
  /// The value as YAML text; empty where there is none (no dataset given, no num_epochs).
  std::function<std::string(const Config&)> write;
};

/// What a source says of a value that nobody gave.
inline constexpr std::string_view kDefaultSource = "default";

/// All keys, in the order in which they are documented and written.
[[nodiscard]] std::span<const Key> key_table();

/// The key of that name, or null.
[[nodiscard]] const Key* find_key(std::string_view name);

/// The key that the setting names. Throws InputError with the nearest name where there is none.
[[nodiscard]] const Key& known_key(const Setting& setting);

/// num_epochs for num_steps and the reverse: the key that cannot be in force beside this one.
/// Empty for every other key.
[[nodiscard]] std::string_view rival_of(std::string_view name);

}  // namespace microgpt::config
