// The files that a run keeps in its folder, by their names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace microgpt::run_files {

inline constexpr std::string_view kConfig = "config.cfg";
inline constexpr std::string_view kMetrics = "metrics.jsonl";
inline constexpr std::string_view kLatest = "latest.h5";
inline constexpr std::string_view kBest = "best.h5";
/// Is written, and removed again, to see whether that can be done.
inline constexpr std::string_view kProbe = ".microgpt-probe";

/// "step-00000500.h5".
[[nodiscard]] std::string checkpoint_name(std::int64_t step);

/// The step in the name of a checkpoint; nothing for any other name.
[[nodiscard]] std::optional<std::int64_t> step_of(const std::string& name);

/// The step of the checkpoint that a link points to.
[[nodiscard]] std::optional<std::int64_t> step_behind(const std::filesystem::path& link);

/// Whether a name is that of a file of ours that was not finished.
[[nodiscard]] bool is_leftover(const std::string& name);

/// All names in a folder, in no order. Where `error` is set, some are missing.
[[nodiscard]] std::vector<std::string> names_in(const std::filesystem::path& folder,
                                                std::error_code& error);

/// The steps of the checkpoints in a folder, rising. Where `error` is set, some are missing.
[[nodiscard]] std::vector<std::int64_t> steps_in(const std::filesystem::path& folder,
                                                 std::error_code& error);

}  // namespace microgpt::run_files
