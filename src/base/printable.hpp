// Text from outside (a value, a file name, a whole argument) made fit to stand in a one-line
// message on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace microgpt {

/// Writes control characters, line separators and bytes that are not UTF-8 as escapes: `\n`,
/// `\u001b`, `\u2028`, `\xe5`.
[[nodiscard]] std::string printable(std::string_view text);

/// The same for text that may be of any length: all but the first 60 characters become "...".
[[nodiscard]] std::string excerpt(std::string_view text);

}  // namespace microgpt
