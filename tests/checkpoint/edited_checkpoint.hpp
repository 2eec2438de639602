// A good checkpoint, changed through HDF5 and sealed again: what only the checks behind the seal
// can find.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "checkpoint/hdf5_output.hpp"
#include "checkpoint/seal.hpp"
#include "checkpoint/small_checkpoint.hpp"
#include "checkpoint/temporary_folder.hpp"

namespace microgpt {

/// Opens a checkpoint for writing and lets `change` have its id.
template <class Change>
void change_file(const std::filesystem::path& path, Change change) {
  const hdf5::Session session;
  const hdf5::File file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), "open");
  change(static_cast<hid_t>(file));
}

inline void seal_again(const std::filesystem::path& path) {
  std::size_t place = 0;
  {
    const hdf5::Session session;
    const hdf5::File file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "open");
    place = hdf5::place_of(file, "file_sha256");
  }
  std::string bytes = read_bytes(path);
  seal(std::as_writable_bytes(std::span(bytes)), place);
  write_bytes(path, bytes);
}

/// Writes the small checkpoint to `path` with a change in it.
template <class Change>
void write_edited(const std::filesystem::path& path, Change change) {
  const CheckpointInfo info = small_info(Precision::float32);
  write_checkpoint(path, info, small_state<float>(info));
  change_file(path, change);
  seal_again(path);
}

inline void remove_object(hid_t file, const char* path) {
  hdf5::check(H5Ldelete(file, path, H5P_DEFAULT), "remove");
}

template <class Value>
void replace_attribute(hid_t file, const char* object_path, const char* name, const Value& value) {
  const hdf5::Handle<H5Oclose> object(H5Oopen(file, object_path, H5P_DEFAULT), "open");
  hdf5::check(H5Adelete(object, name), "remove");
  hdf5::write_attribute(object, name, value);
}

template <class Number>
void replace_dataset(hid_t file, const char* path, const std::vector<hsize_t>& extents,
                     const std::vector<Number>& values) {
  remove_object(file, path);
  hdf5::write_dataset(file, path, extents, std::span<const Number>(values));
}

}  // namespace microgpt
