// A Config as text: for --help, for config.cfg and checkpoints, for --print-config.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/printable.hpp"
#include "config/key_table.hpp"
#include "microgpt/config.hpp"

namespace microgpt {
namespace {

using namespace config;

// Comments align behind lines up to this width; a longer line, such as a deep path, sticks out.
constexpr std::size_t kWidestAligned = 40;

struct Line {
  std::string_view key;
  std::string text;
};

// Of num_steps and num_epochs the one in force; nothing where a key has no value.
std::vector<Line> lines_of(const Config& config) {
  std::vector<Line> lines;
  for (const Key& key : key_table()) {
    if (key.name == "num_steps" && config.num_epochs) continue;
    const std::string value = key.write(config);
    if (!value.empty()) lines.push_back({key.name, fmt::format("{}: {}", key.name, value)});
  }
  return lines;
}

}  // namespace

std::vector<KeyDescription> describe_keys() {
  std::vector<KeyDescription> descriptions;
  for (const Key& key : key_table()) {
    descriptions.push_back({key.name, key.write(Config{}), key.meaning});
  }
  return descriptions;
}

std::string config_value(const Config& config, std::string_view key) {
  if (const Key* known = find_key(key)) return known->write(config);
  throw std::out_of_range(fmt::format("no config key '{}'", key));
}

std::string to_yaml(const Config& config) {
  std::string yaml;
  for (const Line& line : lines_of(config)) yaml += line.text + '\n';
  return yaml;
}

std::string to_annotated_yaml(const SourcedConfig& config) {
  const std::vector<Line> lines = lines_of(config.values);
  std::size_t column = 0;
  for (const Line& line : lines) {
    if (line.text.size() <= kWidestAligned) column = std::max(column, line.text.size());
  }
  std::string yaml;
  for (const Line& line : lines) {
    const auto source = config.sources.find(line.key);
    const std::string shown =
        source == config.sources.end() ? std::string(kDefaultSource) : printable(source->second);
    yaml += fmt::format("{:<{}}  # {}\n", line.text, column, shown);
  }
  return yaml;
}

}  // namespace microgpt
