// --set key=value.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "config/key_table.hpp"
#include "microgpt/config.hpp"

namespace microgpt {
namespace {

using namespace config;

constexpr const char* kCommandLine = "--set";  // where a value comes from

Setting split(std::string_view argument) {
  const std::string place = "--set " + excerpt(argument);
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    refuse(place, "write --set KEY=VALUE, for instance --set learning_rate=0.01");
  }
  return {.key = std::string(argument.substr(0, equals)),
          .value = std::string(argument.substr(equals + 1)),
          .quoted = false,
          .place = place};
}

// A rival in the file is replaced; one that was just given, too, contradicts.
void refuse_both(const Setting& setting, const SourcedConfig& config, std::string_view rival) {
  const auto given = config.sources.find(rival);
  if (given == config.sources.end() || given->second != kCommandLine) return;
  refuse_rival(setting, rival, kCommandLine);
}

void unset(SourcedConfig& config, std::string_view length) {
  if (length == "num_steps") config.values.num_steps = Config{}.num_steps;
  if (length == "num_epochs") config.values.num_epochs.reset();
  config.sources.insert_or_assign(std::string(length), kDefaultSource);
}

}  // namespace

void override_config(SourcedConfig& config, std::string_view key_equals_value) {
  const std::filesystem::path current_folder;
  const Setting setting = split(key_equals_value);
  const Key& key = known_key(setting);
  const std::string_view rival = rival_of(key.name);
  if (!rival.empty()) refuse_both(setting, config, rival);
  key.read(setting, current_folder, config.values);
  config.sources.insert_or_assign(setting.key, kCommandLine);
  if (!rival.empty()) unset(config, rival);
}

}  // namespace microgpt
