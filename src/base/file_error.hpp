// Errors that are about a file or a folder: its name comes first, then what is wrong with it.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "base/printable.hpp"

namespace microgpt {

/// What the system says of an errno: "No such file or directory".
[[nodiscard]] inline std::string system_reason(int error) {
  return std::generic_category().message(error);
}

/// Throws an Error: "FILE: what".
template <class Error>
[[noreturn]] void throw_about(const std::filesystem::path& file, std::string_view what) {
  throw Error(fmt::format("{}: {}", printable(file.string()), what));
}

/// Throws an Error: "FILE: what: the system's reason".
template <class Error>
[[noreturn]] void throw_about(const std::filesystem::path& file, std::string_view what, int error) {
  throw_about<Error>(file, fmt::format("{}: {}", what, system_reason(error)));
}

}  // namespace microgpt
