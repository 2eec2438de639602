#include "base/durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file_error.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = std::size_t{1} << 20U;  // bytes in one write or read

[[noreturn]] void fail(const fs::path& path, const char* deed, int error = errno) {
  throw_about<RunError>(path, fmt::format("cannot {}", deed), error);
}

/// Removes a temporary file unless it has been renamed. That it cannot be removed is not reported:
/// the reason why it has to be is on its way to the user.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path final_path) : path_(std::move(final_path)) { path_ += ".tmp"; }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlink(path_.c_str());
  }

  [[nodiscard]] const fs::path& path() const { return path_; }

  void rename_to(const fs::path& final_path) {
    if (::rename(path_.c_str(), final_path.c_str()) != 0) fail(final_path, "rename into place");
    renamed_ = true;
  }

 private:
  fs::path path_;
  bool renamed_ = false;
};

FileDescriptor open_or_fail(const fs::path& path, int flags, const char* deed) {
  const int number = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (number < 0) fail(path, deed);
  return FileDescriptor(number);
}

void close_or_fail(FileDescriptor file, const fs::path& path) {
  // An interrupted close has closed on Linux, and all bytes had been synced before.
  if (::close(file.release()) != 0 && errno != EINTR) fail(path, "close");
}

void compare_with_disk(const fs::path& path, std::span<const std::byte> expected) {
  const FileDescriptor file = open_or_fail(path, O_RDONLY, "read back");
  // Advice only: let the bytes come from the disk rather than from memory.
  (void)::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED);
  std::vector<std::byte> piece(std::min(expected.size() + 1, kPiece));
  while (true) {
    const ssize_t count =
        uninterrupted([&] { return ::read(file.number(), piece.data(), piece.size()); });
    if (count < 0) fail(path, "read back");
    const auto got = std::span(piece).first(static_cast<std::size_t>(count));
    if (got.empty() && expected.empty()) return;
    if (got.empty() || got.size() > expected.size() ||
        std::memcmp(got.data(), expected.data(), got.size()) != 0) {
      throw_about<RunError>(
          path, "the disk returned other bytes than were written to it; check the disk");
    }
    expected = expected.subspan(got.size());
  }
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

int FileDescriptor::release() { return std::exchange(number_, -1); }

FileDescriptor open_to_append(const fs::path& path) {
  return open_or_fail(path, O_WRONLY | O_APPEND, "open");
}

void append_all(const FileDescriptor& file, std::span<const std::byte> bytes,
                const fs::path& path) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), kPiece);
    const ssize_t written =
        uninterrupted([&] { return ::write(file.number(), bytes.data(), piece); });
    if (written < 0) fail(path, "write");
    if (written == 0) fail(path, "write", ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void sync_file(const FileDescriptor& file, const fs::path& path) {
  if (uninterrupted([&] { return ::fsync(file.number()); }) != 0) fail(path, "sync");
}

void write_file_durably(const fs::path& path, std::span<const std::byte> contents) {
  TemporaryFile temporary(path);
  FileDescriptor file =
      open_or_fail(temporary.path(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, "create");
  append_all(file, contents, temporary.path());
  sync_file(file, temporary.path());
  close_or_fail(std::move(file), temporary.path());
  compare_with_disk(temporary.path(), contents);
  temporary.rename_to(path);
  sync_folder(folder_of(path));
}

void replace_symlink(const fs::path& link, const fs::path& target) {
  TemporaryFile temporary(link);
  // A run that was killed may have left one; a link cannot be created over it.
  if (::unlink(temporary.path().c_str()) != 0 && errno != ENOENT) {
    fail(temporary.path(), "remove");
  }
  if (::symlink(target.c_str(), temporary.path().c_str()) != 0) {
    fail(temporary.path(), "create a link");
  }
  temporary.rename_to(link);
  sync_folder(folder_of(link));
}

int make_folder_durably(const fs::path& path) {
  const fs::path parent = folder_of(path.has_filename() ? path : path.parent_path());
  std::error_code unknown;
  if (parent != path && !fs::exists(parent, unknown)) {
    const int error = make_folder_durably(parent);
    if (error != 0 && error != EEXIST) return error;
  }
  if (::mkdir(path.c_str(), 0777) != 0) return errno;
  const fs::path named = fs::absolute(parent, unknown);  // `.` would tell nobody which one failed
  sync_folder(unknown ? parent : named);
  return 0;
}

void sync_folder(const fs::path& folder) {
  FileDescriptor descriptor = open_or_fail(folder, O_RDONLY | O_DIRECTORY, "open");
  // EINVAL: a file system that has no such operation, and no need or no way to do better.
  if (uninterrupted([&] { return ::fsync(descriptor.number()); }) != 0 && errno != EINVAL) {
    fail(folder, "sync");
  }
  close_or_fail(std::move(descriptor), folder);
}

}  // namespace microgpt
