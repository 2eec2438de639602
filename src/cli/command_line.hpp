// From argv to a verb and its checked options.
#pragma once

#include <string>
#include <vector>

#include "cli/verbs.hpp"

namespace microgpt::cli {

/// `arguments` are those behind the program's name. Throws InputError that names the argument.
[[nodiscard]] Command parse_command_line(const std::vector<std::string>& arguments);

}  // namespace microgpt::cli
