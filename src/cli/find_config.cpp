#include "cli/find_config.hpp"

#include <fmt/format.h>

#include <system_error>

#include "microgpt/error.hpp"

namespace microgpt::cli {

std::filesystem::path find_config(const std::string& name) {
  std::error_code error;
  const std::filesystem::path given(name);
  if (std::filesystem::exists(given, error)) return given;
  if (given.has_parent_path()) {
    throw InputError(fmt::format("--config {}: there is no such file", name));
  }
  const auto local = std::filesystem::path("configs") / given;
  if (std::filesystem::exists(local, error)) return local;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed =
      (program.parent_path() / MICROGPT_DATA_FOLDER / "configs" / given).lexically_normal();
  if (std::filesystem::exists(installed, error)) return installed;
  throw InputError(fmt::format("--config {}: there is no such file, nor {}, nor {}", name,
                               local.string(), installed.string()));
}

}  // namespace microgpt::cli
