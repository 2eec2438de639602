#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cxxopts.hpp>

#include "base/number.hpp"
#include "microgpt/error.hpp"

namespace microgpt::cli {
namespace {

std::string dashed(std::string_view name) {
  return fmt::format("{}{}", name.size() == 1 ? "-" : "--", name);
}

void add(cxxopts::Options& parser, const Option& option) {
  // A flag's value is what stands behind `=`, where nothing may stand.
  const auto value = option.kind == Option::Kind::flag
                         ? cxxopts::value<std::string>()->implicit_value("")
                         : cxxopts::value<std::string>();
  parser.add_options()(option.name, option.help, value, option.argument);
  if (option.kind == Option::Kind::positional) parser.parse_positional({option.name});
}

}  // namespace

ParsedOptions::ParsedOptions(std::string_view verb, const std::vector<Option>& options,
                             const std::vector<std::string>& arguments) {
  cxxopts::Options parser("microgpt");
  for (const Option& option : options) add(parser, option);
  parser.add_options()("h,help", "");
  std::vector<const char*> argv{"microgpt"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  try {
    const auto parsed = parser.parse(static_cast<int>(argv.size()), argv.data());
    asks_for_help_ = parsed.count("help") > 0;
    if (asks_for_help_) return;
    if (!parsed.unmatched().empty()) {
      throw InputError(fmt::format("'{}' is not an option of {}; see microgpt {} --help",
                                   parsed.unmatched().front(), verb, verb));
    }
    for (const cxxopts::KeyValue& pair : parsed.arguments()) {
      given_.push_back({.name = pair.key(), .value = pair.value()});
    }
  } catch (const cxxopts::exceptions::exception& error) {
    throw InputError(fmt::format("{}; see microgpt {} --help", error.what(), verb));
  }
  for (const Option& option : options) {
    const Given* const given = last(option.name);
    if (option.kind == Option::Kind::flag && given != nullptr && !given->value.empty()) {
      throw InputError(
          fmt::format("{}: takes no value; see microgpt {} --help", dashed(option.name), verb));
    }
  }
}

const ParsedOptions::Given* ParsedOptions::last(std::string_view name) const {
  const auto found = std::find_if(given_.rbegin(), given_.rend(),
                                  [&](const Given& given) { return given.name == name; });
  return found == given_.rend() ? nullptr : &*found;
}

bool ParsedOptions::flag(std::string_view name) const { return last(name) != nullptr; }

std::optional<std::string> ParsedOptions::text(std::string_view name) const {
  const Given* const given = last(name);
  if (given == nullptr) return std::nullopt;
  if (given->value.empty()) throw InputError(dashed(name) + ": the value is empty; give one");
  return given->value;
}

std::string ParsedOptions::required_text(std::string_view name, std::string_view what) const {
  if (auto value = text(name)) return *value;
  throw InputError(fmt::format("give {}; see --help", what));
}

std::optional<std::int64_t> ParsedOptions::whole_number(std::string_view name, std::int64_t lowest,
                                                        std::int64_t highest) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto number = number_in<std::int64_t>(*value);
  if (!number || *number < lowest || *number > highest) {
    throw InputError(fmt::format("{} {}: must be a whole number from {} to {}", dashed(name),
                                 *value, lowest, highest));
  }
  return number;
}

std::optional<double> ParsedOptions::number_above_zero(std::string_view name) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto number = number_in<double>(*value);
  if (!number || !std::isfinite(*number) || *number <= 0) {
    throw InputError(fmt::format("{} {}: must be a number above 0", dashed(name), *value));
  }
  return number;
}

std::vector<std::string> ParsedOptions::texts(std::string_view name) const {
  std::vector<std::string> values;
  for (const Given& given : given_) {
    if (given.name == name) values.push_back(given.value);
  }
  return values;
}

std::string help_of(const std::vector<Option>& options) {
  std::string text;
  const auto add_line = [&](const std::string& names, std::string_view help) {
    text += fmt::format("  {:<20} {}\n", names, help);
  };
  for (const Option& option : options) {
    const std::string name =
        option.kind == Option::Kind::positional ? option.argument : dashed(option.name);
    const bool has_value = option.kind == Option::Kind::value;
    add_line(has_value ? name + " " + option.argument : name, option.help);
  }
  add_line("-h, --help", "print this and exit");
  return text;
}

}  // namespace microgpt::cli
