// Reads what a checkpoint holds out of an HDF5 file that may say anything.
//
// Every object is looked at before memory is taken for it: it has to be in this very file, of the
// type and extents that are asked for, and stored as plainly as microgpt stores it. All calls need
// a Session and throw hdf5::Error, which names the object, where it is not so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/hdf5.hpp"

namespace microgpt::hdf5 {

/// A group with its path in the file, for messages: "" for the root, "/optimizer/m".
struct InputGroup {
  Group id;
  std::string path;
};

[[nodiscard]] File open_file(const std::filesystem::path& path);

[[nodiscard]] InputGroup open_root(const File& file);
[[nodiscard]] InputGroup open_group(const InputGroup& parent, const std::string& name);

[[nodiscard]] bool has_attribute(const InputGroup& group, const std::string& name);
[[nodiscard]] std::string read_text(const InputGroup& group, const std::string& name);
[[nodiscard]] std::int64_t read_integer(const InputGroup& group, const std::string& name);
[[nodiscard]] double read_real(const InputGroup& group, const std::string& name);

/// A one-dimensional array of any length.
template <class Number>
[[nodiscard]] std::vector<Number> read_list(const InputGroup& group, const std::string& name);

/// A matrix of exactly rows x cols numbers, the size of `values`.
template <class Number>
void read_matrix(const InputGroup& group, const std::string& name, std::int64_t rows,
                 std::int64_t cols, std::span<Number> values);

}  // namespace microgpt::hdf5
