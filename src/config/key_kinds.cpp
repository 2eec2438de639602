#include "config/key_kinds.hpp"

#include <fmt/format.h>

namespace microgpt::config {

Key whole(std::string_view name, std::int64_t Config::*member, WholeRange range,
          std::string_view meaning) {
  return {name, meaning,
          [=](const Setting& setting, const std::filesystem::path&, Config& config) {
            config.*member = read_whole(setting, range);
          },
          [=](const Config& config) { return fmt::format("{}", config.*member); }};
}

Key optional_whole(std::string_view name, std::optional<std::int64_t> Config::*member,
                   WholeRange range, std::string_view word, std::string_view meaning) {
  return {name, meaning,
          [=](const Setting& setting, const std::filesystem::path&, Config& config) {
            if (!word.empty() && setting.value == word) {
              config.*member = std::nullopt;
            } else {
              config.*member = read_whole(setting, range, word);
            }
          },
          [=](const Config& config) {
            const auto& number = config.*member;
            return number ? fmt::format("{}", *number) : std::string(word);
          }};
}

Key real(std::string_view name, double Config::*member, RealRange range, std::string_view meaning) {
  return {name, meaning,
          [=](const Setting& setting, const std::filesystem::path&, Config& config) {
            config.*member = read_real(setting, range);
          },
          [=](const Config& config) { return write_real(config.*member); }};
}

Key on_off(std::string_view name, bool Config::*member, std::string_view meaning) {
  return {name, meaning,
          [=](const Setting& setting, const std::filesystem::path&, Config& config) {
            config.*member = read_switch(setting);
          },
          [=](const Config& config) { return std::string(config.*member ? "true" : "false"); }};
}

Key file(std::string_view name, std::filesystem::path Config::*member, std::string_view meaning) {
  return {name, meaning,
          [=](const Setting& setting, const std::filesystem::path& folder, Config& config) {
            config.*member = read_path(setting, folder);
          },
          [=](const Config& config) {
            return (config.*member).empty() ? std::string() : write_path(config.*member);
          }};
}

}  // namespace microgpt::config
