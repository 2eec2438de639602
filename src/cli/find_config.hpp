// Where the config that --config names lies.
#pragma once

#include <filesystem>
#include <string>

namespace microgpt::cli {

/// The file as given; else, for a bare name, configs/NAME under the current folder, then the
/// installed share/microgpt/configs/NAME. Throws InputError that lists where it has looked.
[[nodiscard]] std::filesystem::path find_config(const std::string& name);

}  // namespace microgpt::cli
