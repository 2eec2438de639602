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

/// The limit of a container, as it sees it; the file holds "max" where there is none.
std::optional<std::int64_t> container_limit() {
  for (const char* const path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::int64_t bytes = 0;
    if (std::ifstream(path) >> bytes) return bytes;
  }
  return std::nullopt;
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
  for (const auto bound : {free_on_the_machine(), container_limit(), left_of_address_space()}) {
    if (bound && (!least || *bound < *least)) least = bound;
  }
  return least;
}

void require_memory(std::int64_t bytes, const std::string& what, const std::string& advice,
                    int processes) {
  const std::optional<std::int64_t> available = available_memory();
  if (!available || bytes <= *available / processes) return;
  throw InputError(fmt::format("{} needs {} of memory, but {} are free: {}", what,
                               bytes_in_words(bytes), bytes_in_words(*available), advice));
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
