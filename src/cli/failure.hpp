// From an exception to one line on stderr and an exit code.
#pragma once

#include <exception>
#include <string>

namespace microgpt::cli {

/// Prints the line of an error, `where` before its message; nothing for EndedElsewhere. Returns the
/// exit code.
int report_failure(const std::exception_ptr& failure, const std::string& where = "");

}  // namespace microgpt::cli
