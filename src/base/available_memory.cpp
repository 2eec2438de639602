#include "base/available_memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <string_view>

#include "microgpt/error.hpp"

namespace microgpt {
namespace {

/// Of /proc/meminfo: free, or used for what can be dropped at once.
std::optional<std::int64_t> free_on_the_machine() {
  std::ifstream file("/proc/meminfo");
  std::optional<std::int64_t> available;
  std::int64_t swap = 0;
  std::string name;
  std::int64_t kibibytes = 0;
  std::string rest;
  while (file >> name >> kibibytes && std::getline(file, rest)) {
    if (name == "MemAvailable:") available = kibibytes * 1024;
    if (name == "SwapFree:") swap = kibibytes * 1024;
  }
  if (!available) return std::nullopt;
  return *available + swap;
}

/// A file that holds one number; nothing where it is missing, or says "max".
std::optional<std::int64_t> number_in(const std::filesystem::path& file) {
  std::int64_t number = 0;
  if (std::ifstream(file) >> number) return number;
  return std::nullopt;
}

/// Of a cgroup's memory.stat: the sum of the two lists of files that are kept in memory.
std::int64_t kept_files(const std::filesystem::path& memory_stat, const std::string& prefix) {
  std::ifstream file(memory_stat);
  std::int64_t sum = 0;
  std::string name;
  std::int64_t bytes = 0;
  while (file >> name >> bytes) {
    if (name == prefix + "inactive_file" || name == prefix + "active_file") sum += bytes;
  }
  return sum;
}

// The files of a cgroup that tell of memory.
struct CgroupVersion {
  const char* controller;  // the folder of its hierarchy
  const char* limit;
  const char* taken;
  const char* prefix;  // in memory.stat, of the lists that count the whole cgroup
};

constexpr std::array<CgroupVersion, 2> kCgroupVersions{{
    {"", "memory.max", "memory.current", ""},
    {"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"},
}};

std::optional<std::int64_t> left_of_cgroup(const std::filesystem::path& folder,
                                           const CgroupVersion& version) {
  const auto limit = number_in(folder / version.limit);
  if (!limit) return std::nullopt;
  const std::int64_t taken = number_in(folder / version.taken).value_or(0) -
                             kept_files(folder / "memory.stat", version.prefix);
  return std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, taken));
}

/// Of /proc/self/cgroup: the process's cgroup in the hierarchy of a controller, relative to its
/// root. "0::/user.slice" is of version 2, "4:memory:/docker/3f" of version 1.
std::filesystem::path place_in(const std::filesystem::path& membership,
                               std::string_view controller) {
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (std::string_view(line).substr(first + 1, second - first - 1) != controller) continue;
    return std::filesystem::path(line.substr(second + 1)).relative_path();
  }
  return {};
}

/// What `ulimit -v` leaves above what the process has mapped already.
std::optional<std::int64_t> left_of_address_space() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  std::int64_t mapped_pages = 0;
  std::ifstream("/proc/self/statm") >> mapped_pages;
  const auto allowed = static_cast<std::int64_t>(limit.rlim_cur);
  return std::max<std::int64_t>(0, allowed - mapped_pages * ::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::optional<std::int64_t> available_memory() {
  std::optional<std::int64_t> least;
  for (const auto bound : {free_on_the_machine(), left_of_container(), left_of_address_space()}) {
    if (bound && (!least || *bound < *least)) least = bound;
  }
  return least;
}

std::optional<std::int64_t> left_of_container(const std::filesystem::path& folder,
                                              const std::filesystem::path& membership) {
  std::optional<std::int64_t> least;
  for (const CgroupVersion& version : kCgroupVersions) {
    const std::filesystem::path root = folder / version.controller;
    // A limit of any cgroup above holds, too.
    std::filesystem::path place = place_in(membership, version.controller);
    while (true) {
      const auto left = left_of_cgroup(root / place, version);
      if (left && (!least || *left < *least)) least = left;
      if (place.empty()) break;
      place = place.parent_path();
    }
  }
  return least;
}

void require_memory(std::int64_t bytes, const std::string& what, const std::string& advice,
                    int processes) {
  const std::optional<std::int64_t> available = available_memory();
  if (!available) return;
  const std::int64_t part = *available / processes;
  if (bytes <= part) return;
  throw InputError(fmt::format("{} needs {} of memory, but {} are free{}: {}", what,
                               bytes_in_words(bytes), bytes_in_words(part),
                               processes > 1 ? " for each" : "", advice));
}

std::string bytes_in_words(std::int64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const auto width = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(bytes)));
  const std::size_t unit = (width - 1) / 10;
  return fmt::format("{:.1f} {}",
                     std::ldexp(static_cast<double>(bytes), -10 * static_cast<int>(unit)),
                     kUnits[unit]);
}

}  // namespace microgpt
