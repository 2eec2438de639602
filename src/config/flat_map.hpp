// YAML text as a plain list of settings.
//
// A config needs almost nothing of YAML, so almost everything of it is refused as soon as the
// parser meets it: nesting, lists, anchors, tags, missing values, a second document. Nothing is
// ever built that hostile text could make deep or large.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/setting.hpp"

namespace microgpt::config {

/// The settings in the order in which they stand, repeated ones included; none for text without
/// content. `name`, fit for a message, stands for the file. Throws InputError that names the line.
[[nodiscard]] std::vector<Setting> read_flat_map(std::string_view yaml, std::string_view name);

}  // namespace microgpt::config
