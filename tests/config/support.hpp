// What the tests of the config share.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "microgpt/config.hpp"
#include "microgpt/error.hpp"

namespace microgpt {

/// Text as if it stood in small.cfg in the folder /runs.
inline SourcedConfig small_config(std::string_view yaml) {
  return parse_config(yaml, "small.cfg", "/runs");
}

/// What the InputError says that `action` throws; "no error" if it throws none.
template <typename Action>
std::string refusal(Action&& action) {
  try {
    (void)action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

/// The text of every key, to compare whole configs by.
inline std::map<std::string, std::string> all_values(const Config& config) {
  std::map<std::string, std::string> values;
  for (const KeyDescription& key : describe_keys()) {
    values.emplace(key.name, config_value(config, key.name));
  }
  return values;
}

}  // namespace microgpt
