// Files that are whole or absent: what they replace stays intact until the new bytes are known to
// be on the disk, whatever fails and wherever the machine stops.
//
//   write <name>.tmp -> fsync -> read back and compare -> rename to <name> -> fsync the folder
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>

namespace microgpt {

/// The result of a system call, made again for as long as signals interrupt it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// An open file or folder, closed at the end of its scope.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  [[nodiscard]] int number() const { return number_; }

  /// Gives the number away: the caller closes it.
  [[nodiscard]] int release();

 private:
  int number_;
};

/// Writes `contents` as the file `path`. When it returns, the file would survive a power cut.
/// Throws RunError with the path and the system's reason; then a former file at `path` is as it
/// was (or, where only the last step failed, replaced as a whole) and no temporary file is left.
void write_file_durably(const std::filesystem::path& path, std::span<const std::byte> contents);

/// Appends to an open file; `path` is its name for messages. Throws RunError where the system takes
/// less than all. What it has taken is durable after sync_file().
void append_all(const FileDescriptor& file, std::span<const std::byte> bytes,
                const std::filesystem::path& path);

/// Makes durable what was written to an open file. Throws RunError.
void sync_file(const FileDescriptor& file, const std::filesystem::path& path);

/// Opens a file to append to it. Throws RunError where that cannot be.
[[nodiscard]] FileDescriptor open_to_append(const std::filesystem::path& path);

/// Makes `link` a symbolic link to `target`; a former link points to the old or the new target,
/// never to nothing. Throws RunError as write_file_durably does.
void replace_symlink(const std::filesystem::path& link, const std::filesystem::path& target);

/// Makes a folder, and those above it that are missing, each of which would survive a power cut.
/// Returns 0, EEXIST where there is something of its name, or why it could not be made. Throws
/// RunError where it cannot be made durable.
[[nodiscard]] int make_folder_durably(const std::filesystem::path& path);

/// Makes the names in a folder durable: files created, renamed or removed in it.
/// Throws RunError as write_file_durably does.
void sync_folder(const std::filesystem::path& folder);

}  // namespace microgpt
