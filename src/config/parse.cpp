// From YAML text to a Config with the place of every value.
#include <fmt/format.h>

#include "base/printable.hpp"
#include "config/flat_map.hpp"
#include "config/key_table.hpp"
#include "microgpt/config.hpp"

namespace microgpt {
namespace {

using namespace config;

SourcedConfig defaults() {
  SourcedConfig config;
  for (const Key& key : key_table()) config.sources.emplace(key.name, kDefaultSource);
  return config;
}

// A key may stand once, and not beside its rival.
void refuse_repetition(const Setting& setting, const SourcedConfig& config) {
  for (const std::string_view name : {std::string_view(setting.key), rival_of(setting.key)}) {
    const auto given = config.sources.find(name);
    if (given == config.sources.end() || given->second == kDefaultSource) continue;
    if (name != setting.key) refuse_rival(setting, name, given->second);
    refuse(setting.place,
           fmt::format("{} is given twice, first at {}: remove one", name, given->second));
  }
}

}  // namespace

SourcedConfig parse_config(std::string_view yaml, std::string_view name,
                           const std::filesystem::path& folder) {
  const std::string shown_name = printable(name);
  SourcedConfig config = defaults();
  for (const Setting& setting : read_flat_map(yaml, shown_name)) {
    const Key& key = known_key(setting);
    refuse_repetition(setting, config);
    key.read(setting, folder, config.values);
    config.sources.insert_or_assign(setting.key, setting.place);
  }
  return config;
}

}  // namespace microgpt
