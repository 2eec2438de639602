#include "checkpoint/file_head.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/file_error.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

namespace fs = std::filesystem;

// The superblock of an HDF5 file, version 3.
constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::array<unsigned char, 20> kPlainSuperblock{
    3,                                               // version
    8,    8,                                         // bytes in an address, in a length
    0,                                               // nobody has it open for writing
    0,    0,    0,    0,    0,    0,    0,    0,     // begins at byte 0
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  // has no extension
};

struct Head {
  std::array<unsigned char, 8> signature{};
  std::array<unsigned char, 20> superblock{};
  std::array<unsigned char, 8> size{};  // little-endian: the bytes in the file
};
static_assert(sizeof(Head) == 36);

void require_regular_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw_about<InputError>(path, "there is no such checkpoint");
  }
  if (error) throw_about<InputError>(path, "cannot be read", error.value());
  if (fs::is_directory(status)) {
    throw_about<InputError>(path, "not a checkpoint: it is a folder; name a file in it");
  }
  if (!fs::is_regular_file(status)) {
    throw_about<InputError>(path, "not a checkpoint: it is not a regular file");
  }
}

}  // namespace

void check_file_head(const fs::path& path) {
  require_regular_file(path);
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) throw_about<InputError>(path, "cannot be read", errno);
  const auto size = static_cast<std::uint64_t>(stream.tellg());
  stream.seekg(0);
  Head head;
  stream.read(reinterpret_cast<char*>(&head), sizeof head);

  if (head.signature != kSignature) {
    throw_about<DamagedCheckpoint>(path,
                                   "not a checkpoint: it does not begin as an HDF5 file does");
  }
  if (head.superblock != kPlainSuperblock) {
    throw_about<InputError>(path, "an HDF5 file, but not as microgpt writes one; use a checkpoint");
  }
  std::uint64_t expected = 0;
  std::memcpy(&expected, head.size.data(), sizeof expected);
  if (size != expected) {
    throw_about<DamagedCheckpoint>(
        path, fmt::format("{}: it has {} bytes and should have {}; use an earlier checkpoint",
                          size < expected ? "truncated" : "damaged", size, expected));
  }
}

}  // namespace microgpt
