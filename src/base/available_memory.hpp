// How much memory this process can still get: asked before a large allocation, since Linux grants
// more than there is and kills whoever uses it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace microgpt {

/// Bytes: what is free on the machine, swap included, or less where a container (cgroup) or a
/// resource limit (ulimit -v) leaves less. Nothing where the system does not tell.
[[nodiscard]] std::optional<std::int64_t> available_memory();

/// Bytes that the limit of a container, a systemd unit or a Slurm job leaves above what its
/// processes have taken; files that are kept in memory can be dropped and do not count. Nothing
/// where there is no limit. `folder` has the cgroups, of version 2 or 1, and `membership` says
/// which is the process's own.
[[nodiscard]] std::optional<std::int64_t> left_of_container(
    const std::filesystem::path& folder = "/sys/fs/cgroup",
    const std::filesystem::path& membership = "/proc/self/cgroup");

/// Throws InputError where `bytes` are more than available_memory(): "<what> needs 3.2 TiB of
/// memory, but 21.0 GiB are free: <advice>". Where `processes` of this machine need as much, each
/// gets an equal part of what is free, and the message says how much that is.
void require_memory(std::int64_t bytes, const std::string& what, const std::string& advice,
                    int processes = 1);

/// "640 B", "1.5 GiB".
[[nodiscard]] std::string bytes_in_words(std::int64_t bytes);

}  // namespace microgpt
