// Which program this is, and how it was built.
#pragma once

#include <string>

namespace microgpt {

/// For instance "0.1.0".
[[nodiscard]] std::string program_version();

/// Compiler and instruction set, for instance "gcc 12.2.0, x86-64 with AVX-512": equal bits are
/// promised between runs of equal builds on equal machines.
[[nodiscard]] std::string build_description();

}  // namespace microgpt
