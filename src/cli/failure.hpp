// From an exception to one line on stderr and an exit code.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "cli/commands.hpp"
#include "microgpt/error.hpp"
#include "microgpt/process_group.hpp"

namespace microgpt::cli {

/// Prints the line of an error, `where` before its message; nothing for EndedElsewhere. Returns the
/// exit code.
int report_failure(const std::exception_ptr& failure, const std::string& where = "");

/// Does work in which all processes that a launcher has started see the same bad input, before they
/// know of each other: the first one's InputError stays, the others' become EndedElsewhere.
template <class Work>
auto first_one_says(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const InputError&) {
    if (launched_rank() > 0) throw EndedElsewhere(kBadInput);
    throw;
  }
}

}  // namespace microgpt::cli
