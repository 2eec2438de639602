// An HDF5 file that comes to be in memory, so that the disk sees finished bytes only.
//
// Equal contents make equal bytes: nothing in the file depends on time or on memory that nobody
// wrote. All calls need a Session and throw hdf5::Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/hdf5.hpp"

namespace microgpt::hdf5 {

/// The finished bytes of a file.
class Image {
 public:
  [[nodiscard]] std::span<std::byte> bytes() { return {memory_.get(), size_}; }

 private:
  friend class FileInMemory;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  std::size_t size_ = 0;
};

/// The file while it is written; stands for its id in HDF5's calls.
class FileInMemory {
 public:
  FileInMemory();
  FileInMemory(const FileInMemory&) = delete;
  FileInMemory& operator=(const FileInMemory&) = delete;

  // NOLINTNEXTLINE(google-explicit-constructor)
  operator hid_t() const { return file_; }

  /// Finishes the file, all of whose groups and datasets have been closed.
  [[nodiscard]] Image close();

 private:
  static Properties kept_in(Image& image);

  Image image_;  // comes to hold the memory when HDF5 closes the file
  File file_;
};

[[nodiscard]] Group create_group(hid_t parent, const std::string& name);

void write_attribute(hid_t object, const std::string& name, const std::string& value);
void write_attribute(hid_t object, const std::string& name, std::int64_t value);
void write_attribute(hid_t object, const std::string& name, double value);

/// An array with the given extents, row-major: the product of the extents is values.size().
template <class Number>
void write_dataset(hid_t group, const std::string& name, const std::vector<hsize_t>& extents,
                   std::span<const Number> values);

}  // namespace microgpt::hdf5
