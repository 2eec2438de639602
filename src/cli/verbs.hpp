// What each verb takes from the command line, and what --help says of it.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "cli/commands.hpp"
#include "cli/options.hpp"

namespace microgpt::cli {

/// Text to print and be done: --help, --version.
struct PrintText {
  std::string text;
};

using Command =
    std::variant<PrintText, TrainOptions, GenerateOptions, EvaluateOptions, InfoOptions>;

struct Verb {
  std::string usage;
  std::string summary;
  std::vector<Option> options;
  std::string more_help;
  /// Throws InputError that names the option at fault.
  Command (*command)(const ParsedOptions& given);
};

/// By name.
[[nodiscard]] const std::map<std::string, Verb>& verbs();

}  // namespace microgpt::cli
