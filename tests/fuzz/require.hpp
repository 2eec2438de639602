// What a fuzz target holds of every input that was accepted.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace microgpt {

/// Ends the process as a crash, which libFuzzer reports together with the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace microgpt
