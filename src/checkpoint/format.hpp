// How a checkpoint says what it is; all else about its format is in FORMAT.md.
#pragma once

#include <cstdint>

namespace microgpt {

inline constexpr const char* kFormat = "microgpt";
inline constexpr std::int64_t kFormatVersion = 1;

}  // namespace microgpt
