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

std::optional<std::int64_t> left_of_container(const std::filesystem::path& folder) {
  struct Version {
    const char* limit;
    const char* taken;
    const char* stat;
    const char* prefix;  // of the lists that count the whole container
  };
  constexpr std::array<Version, 2> kVersions{{
      {"memory.max", "memory.current", "memory.stat", ""},
      {"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat",
       "total_"},
  }};
  for (const Version& version : kVersions) {
    const auto limit = number_in(folder / version.limit);
    if (!limit) continue;
    const std::int64_t taken = number_in(folder / version.taken).value_or(0) -
                               kept_files(folder / version.stat, version.prefix);
    return std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, taken));
  }
  return std::nullopt;
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
