#include "checkpoint/hdf5_input.hpp"

#include <fmt/format.h>

#include <optional>

namespace microgpt::hdf5 {
namespace {

std::string path_of(const InputGroup& group, const std::string& name) {
  return group.path + "/" + name;
}

/// A link could lead to another file, or run code that a plugin registers.
void require_hard_link(const InputGroup& group, const std::string& name) {
  H5L_info_t link{};
  check(H5Lget_info(group.id, name.c_str(), &link, H5P_DEFAULT), "find " + path_of(group, name));
  if (link.type != H5L_TYPE_HARD) throw Error(path_of(group, name) + " is a link");
}

hsize_t file_size_of(hid_t object) {
  const File file(H5Iget_file_id(object), "find the file of an object");
  hsize_t size = 0;
  check(H5Fget_filesize(file, &size), "measure the file");
  return size;
}

/// The bytes of an array, or nothing where they are more than any file has.
std::optional<hsize_t> byte_count(const std::vector<hsize_t>& extents, std::size_t element) {
  hsize_t bytes = element;
  for (const hsize_t extent : extents) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  }
  return bytes;
}

struct InputDataset {
  Dataset id;
  std::vector<hsize_t> extents;
};

/// Opens an array of `rank` dimensions whose elements have the given type, and whose bytes are in
/// the file, uncut and unchanged, as many as its extents say.
InputDataset open_dataset(const InputGroup& group, const std::string& name, int rank, hid_t type) {
  const std::string path = path_of(group, name);
  require_hard_link(group, name);
  Dataset dataset(H5Dopen2(group.id, name.c_str(), H5P_DEFAULT), "open " + path);

  // First of all, since even to ask for the extents of a virtual dataset opens other files.
  const Properties creation(H5Dget_create_plist(dataset), "see how " + path + " is stored");
  const H5D_layout_t layout = H5Pget_layout(creation);
  if ((layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) ||
      check(H5Pget_external_count(creation), "see where " + path + " is stored") != 0) {
    throw Error(path + " is not stored in one piece");
  }

  const Type stored(H5Dget_type(dataset), "see the type of " + path);
  if (check(H5Tequal(stored, type), "compare the type of " + path) == 0) {
    throw Error(path + " holds numbers of another type than expected");
  }

  const Space space(H5Dget_space(dataset), "see the extents of " + path);
  if (H5Sget_simple_extent_type(space) != H5S_SIMPLE || H5Sget_simple_extent_ndims(space) != rank) {
    throw Error(fmt::format("{} has not {} dimension(s)", path, rank));
  }
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  check(H5Sget_simple_extent_dims(space, extents.data(), nullptr), "see the extents of " + path);

  const std::optional<hsize_t> bytes = byte_count(extents, H5Tget_size(type));
  if (!bytes || *bytes != H5Dget_storage_size(dataset) || *bytes > file_size_of(dataset)) {
    throw Error(path + " has not as many bytes as its extents say");
  }
  return {std::move(dataset), std::move(extents)};
}

template <class Number>
void read_values(const Dataset& dataset, std::span<Number> values, const std::string& path) {
  if (values.empty()) return;
  check(H5Dread(dataset, type_of<Number>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
        "read " + path);
}

/// Opens an attribute that is one value.
Attribute open_attribute(const InputGroup& group, const std::string& name) {
  const std::string path = path_of(group, name);
  Attribute attribute(H5Aopen(group.id, name.c_str(), H5P_DEFAULT), "open attribute " + path);
  const Space space(H5Aget_space(attribute), "see the extents of attribute " + path);
  if (H5Sget_simple_extent_type(space) != H5S_SCALAR) {
    throw Error("attribute " + path + " is not one value");
  }
  return attribute;
}

template <class Number>
Number read_number(const InputGroup& group, const std::string& name) {
  const std::string path = path_of(group, name);
  const Attribute attribute = open_attribute(group, name);
  const Type stored(H5Aget_type(attribute), "see the type of attribute " + path);
  if (check(H5Tequal(stored, type_of<Number>()), "compare the type of attribute " + path) == 0) {
    throw Error("attribute " + path + " is of another type than expected");
  }
  Number value{};
  check(H5Aread(attribute, type_of<Number>(), &value), "read attribute " + path);
  return value;
}

}  // namespace

File open_file(const std::filesystem::path& path) {
  const Properties access(H5Pcreate(H5P_FILE_ACCESS), "make access properties");
  // Whatever driver the environment may ask for: verify_seal reads through this one's descriptor.
  check(H5Pset_fapl_sec2(access), "choose plain files");
  // Checkpoints are never written in place, and some network file systems know no locks.
  check(H5Pset_file_locking(access, false, true), "open without a lock");
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), "open it"};
}

InputGroup open_root(const File& file) {
  return {{H5Gopen2(file, "/", H5P_DEFAULT), "open its root"}, ""};
}

InputGroup open_group(const InputGroup& parent, const std::string& name) {
  const std::string path = path_of(parent, name);
  require_hard_link(parent, name);
  return {{H5Gopen2(parent.id, name.c_str(), H5P_DEFAULT), "open " + path}, path};
}

bool has_attribute(const InputGroup& group, const std::string& name) {
  return check(H5Aexists(group.id, name.c_str()), "look for attribute " + path_of(group, name)) > 0;
}

std::string read_text(const InputGroup& group, const std::string& name) {
  const std::string path = path_of(group, name);
  const Attribute attribute = open_attribute(group, name);
  const Type type = text_type();
  const Type stored(H5Aget_type(attribute), "see the type of attribute " + path);
  if (check(H5Tequal(stored, type), "compare the type of attribute " + path) == 0) {
    throw Error("attribute " + path + " is not text");
  }
  char* text = nullptr;
  check(H5Aread(attribute, type, &text), "read attribute " + path);
  if (text == nullptr) return {};
  std::string value = text;
  H5free_memory(text);
  return value;
}

std::int64_t read_integer(const InputGroup& group, const std::string& name) {
  return read_number<std::int64_t>(group, name);
}

double read_real(const InputGroup& group, const std::string& name) {
  return read_number<double>(group, name);
}

template <class Number>
std::vector<Number> read_list(const InputGroup& group, const std::string& name) {
  const InputDataset dataset = open_dataset(group, name, 1, type_of<Number>());
  std::vector<Number> values(dataset.extents[0]);
  read_values(dataset.id, std::span(values), path_of(group, name));
  return values;
}

template std::vector<std::uint8_t> read_list(const InputGroup&, const std::string&);
template std::vector<double> read_list(const InputGroup&, const std::string&);
template std::vector<std::int64_t> read_list(const InputGroup&, const std::string&);
template std::vector<std::uint32_t> read_list(const InputGroup&, const std::string&);

template <class Number>
void read_matrix(const InputGroup& group, const std::string& name, std::int64_t rows,
                 std::int64_t cols, std::span<Number> values) {
  const InputDataset dataset = open_dataset(group, name, 2, type_of<Number>());
  if (dataset.extents[0] != static_cast<hsize_t>(rows) ||
      dataset.extents[1] != static_cast<hsize_t>(cols)) {
    throw Error(fmt::format("{} has {} x {} numbers, where the config asks for {} x {}",
                            path_of(group, name), dataset.extents[0], dataset.extents[1], rows,
                            cols));
  }
  read_values(dataset.id, values, path_of(group, name));
}

template void read_matrix(const InputGroup&, const std::string&, std::int64_t, std::int64_t,
                          std::span<float>);
template void read_matrix(const InputGroup&, const std::string&, std::int64_t, std::int64_t,
                          std::span<double>);

}  // namespace microgpt::hdf5
