// One `key: value` as it was written, before anything is believed about it, and the way in which
// it is refused.
#pragma once

#include <string>
#include <string_view>

namespace microgpt::config {

struct Setting {
  std::string key;
  std::string value;
  bool quoted = false;  ///< A quoted YAML scalar is text, never a number.
  std::string place;    ///< Where it was written, for messages: "small.cfg:4", "--set n_embd=0".
};

/// Throws InputError: "small.cfg:4: COMPLAINT".
[[noreturn]] void refuse(std::string_view place, std::string_view complaint);

/// Throws InputError: "small.cfg:4: n_embd: 'abc' COMPLAINT".
[[noreturn]] void refuse_value(const Setting& setting, std::string_view complaint);

/// Throws InputError: "small.cfg:4: num_steps cannot stand beside num_epochs (small.cfg:2): remove
/// one". `source` is where the rival was given.
[[noreturn]] void refuse_rival(const Setting& setting, std::string_view rival,
                               std::string_view source);

}  // namespace microgpt::config
