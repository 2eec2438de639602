// "Did you mean ...?": the known word closest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace microgpt::config {

/// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The one of `words` (not empty) with the fewest edits for its length, so that `steps` is nearer
/// to `num_steps` than to `seed`. Case and the choice between `-`, `_` and space count for nothing.
[[nodiscard]] std::string_view nearest(std::string_view typed,
                                       std::span<const std::string_view> words);

}  // namespace microgpt::config
