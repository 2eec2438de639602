// From argv to a verb and its checked options.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/commands.hpp"

namespace microgpt::cli {

/// Text to print and be done: --help, --version.
struct PrintText {
  std::string text;
};

using Command =
    std::variant<PrintText, TrainOptions, GenerateOptions, EvaluateOptions, InfoOptions>;

/// `arguments` are those behind the program's name. Throws InputError that names the argument.
[[nodiscard]] Command parse_command_line(const std::vector<std::string>& arguments);

}  // namespace microgpt::cli
