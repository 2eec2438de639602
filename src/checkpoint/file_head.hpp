// The first look at a file, before HDF5 is let loose on it.
#pragma once

#include <filesystem>

namespace microgpt {

/// Throws InputError where `path` is no regular file that can be read, does not begin as every
/// checkpoint does, or is not as long as its first bytes say.
void check_file_head(const std::filesystem::path& path);

}  // namespace microgpt
