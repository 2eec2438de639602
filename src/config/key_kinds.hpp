// The kinds of keys that the table is made of: each ties a name to a member of Config, and says
// how YAML text becomes that member and the member YAML text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/key_table.hpp"
#include "config/scalar.hpp"

namespace microgpt::config {

[[nodiscard]] Key whole(std::string_view name, std::int64_t Config::*member, WholeRange range,
                        std::string_view meaning);

/// A whole number that may be absent. Where it is, `word` stands for it; with an empty word it can
/// only be absent by not being given.
[[nodiscard]] Key optional_whole(std::string_view name, std::optional<std::int64_t> Config::*member,
                                 WholeRange range, std::string_view word, std::string_view meaning);

[[nodiscard]] Key real(std::string_view name, double Config::*member, RealRange range,
                       std::string_view meaning);

[[nodiscard]] Key on_off(std::string_view name, bool Config::*member, std::string_view meaning);

[[nodiscard]] Key file(std::string_view name, std::filesystem::path Config::*member,
                       std::string_view meaning);

/// One of the enumerators 0, 1, ... of `Choice`, which `words` name in that order.
template <typename Choice>
[[nodiscard]] Key choice(std::string_view name, Choice Config::*member,
                         const std::vector<std::string_view>& words, std::string_view meaning) {
  return {name, meaning,
          [=](const Setting& setting, const std::filesystem::path&, Config& config) {
            config.*member = static_cast<Choice>(read_word(setting, words));
          },
          [=](const Config& config) {
            return std::string(words.at(static_cast<std::size_t>(config.*member)));
          }};
}

}  // namespace microgpt::config
