// The bytes of a config file, if it is one.
#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/file_error.hpp"
#include "base/printable.hpp"
#include "config/setting.hpp"
#include "microgpt/config.hpp"

namespace microgpt {
namespace {

using namespace config;

// A config takes a few hundred bytes; a dataset or checkpoint given by mistake takes more.
constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::string bytes_of(const std::filesystem::path& file, const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored))
    refuse(name, "is a folder, not a config file; name a file in it");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) refuse(name, "cannot be opened: " + system_reason(errno));
  std::string bytes(kLargestFile + 1, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (stream.bad()) refuse(name, "cannot be read: " + system_reason(errno));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  if (bytes.size() > kLargestFile) refuse(name, "is larger than 1 MiB: not a config file");
  return bytes;
}

}  // namespace

SourcedConfig load_config(const std::filesystem::path& file) {
  const std::string& name = file.native();
  return parse_config(bytes_of(file, printable(name)), name, file.parent_path());
}

}  // namespace microgpt
