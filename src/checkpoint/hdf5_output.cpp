#include "checkpoint/hdf5_output.hpp"

#include <cstring>

namespace microgpt::hdf5 {
namespace {

constexpr std::size_t kGrowth = std::size_t{1} << 20U;  // bytes by which the file in memory grows

/// Creation properties without a time stamp.
Properties timeless(hid_t kind) {
  Properties properties(H5Pcreate(kind), "make creation properties");
  check(H5Pset_obj_track_times(properties, false), "leave out time stamps");
  return properties;
}

void write_scalar(hid_t object, const std::string& name, hid_t type, const void* value) {
  const Space space(H5Screate(H5S_SCALAR), "make a scalar");
  const Attribute attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                            "create attribute " + name);
  check(H5Awrite(attribute, type, value), "write attribute " + name);
}

}  // namespace

// HDF5 asks these for the memory of the file and gives it back to them when it has closed the file:
// the moment at which the bytes are final. (H5Fget_file_image copies the file while it is open, and
// before HDF5 2.0 such a copy can have a wrong checksum.)
Properties FileInMemory::kept_in(Image& image) {
  H5FD_file_image_callbacks_t owner{};
  owner.udata = &image;
  owner.udata_copy = [](void* udata) { return udata; };
  owner.udata_free = [](void* /*udata*/) -> herr_t { return 0; };
  owner.image_malloc = [](std::size_t size, H5FD_file_image_op_t /*why*/, void* /*udata*/) {
    return std::malloc(size);
  };
  owner.image_realloc = [](void* memory, std::size_t size, H5FD_file_image_op_t /*why*/,
                           void* /*udata*/) { return std::realloc(memory, size); };
  owner.image_free = [](void* memory, H5FD_file_image_op_t /*why*/, void* udata) -> herr_t {
    static_cast<Image*>(udata)->memory_.reset(static_cast<std::byte*>(memory));
    return 0;
  };

  Properties access(H5Pcreate(H5P_FILE_ACCESS), "make access properties");
  check(H5Pset_fapl_core(access, kGrowth, false), "keep a file in memory");
  check(H5Pset_file_image_callbacks(access, &owner), "own the memory of a file");
  // To close the file with an object left open is an error rather than a delay.
  check(H5Pset_fclose_degree(access, H5F_CLOSE_SEMI), "choose how a file closes");
  // The formats of 1.10 put a checksum on all metadata but the global heap, where texts are.
  check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "choose the file format");
  return access;
}

FileInMemory::FileInMemory()
    : file_(H5Fcreate("checkpoint in memory", H5F_ACC_TRUNC, timeless(H5P_FILE_CREATE),
                      kept_in(image_)),
            "create a file") {}

Image FileInMemory::close() {
  check(H5Fclose(file_.release()), "finish a file");
  // The memory has grown in steps; the superblock says how much of it is the file.
  constexpr std::size_t kPlaceOfSize = 28;
  std::uint64_t size = 0;
  std::memcpy(&size, image_.memory_.get() + kPlaceOfSize, sizeof size);
  image_.size_ = size;
  return std::move(image_);
}

Group create_group(hid_t parent, const std::string& name) {
  const Properties creation = timeless(H5P_GROUP_CREATE);
  return {H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT),
          "create group " + name};
}

void write_attribute(hid_t object, const std::string& name, const std::string& value) {
  const char* text = value.c_str();
  write_scalar(object, name, text_type(), &text);
}

void write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  write_scalar(object, name, type_of<std::int64_t>(), &value);
}

void write_attribute(hid_t object, const std::string& name, double value) {
  write_scalar(object, name, type_of<double>(), &value);
}

template <class Number>
void write_dataset(hid_t group, const std::string& name, const std::vector<hsize_t>& extents,
                   std::span<const Number> values) {
  const Space space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                    "make extents");
  const Properties creation = timeless(H5P_DATASET_CREATE);
  const Dataset dataset(
      H5Dcreate2(group, name.c_str(), type_of<Number>(), space, H5P_DEFAULT, creation, H5P_DEFAULT),
      "create dataset " + name);
  if (values.empty()) return;
  check(H5Dwrite(dataset, type_of<Number>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
        "write dataset " + name);
}

template void write_dataset(hid_t, const std::string&, const std::vector<hsize_t>&,
                            std::span<const std::uint8_t>);
template void write_dataset(hid_t, const std::string&, const std::vector<hsize_t>&,
                            std::span<const float>);
template void write_dataset(hid_t, const std::string&, const std::vector<hsize_t>&,
                            std::span<const double>);
template void write_dataset(hid_t, const std::string&, const std::vector<hsize_t>&,
                            std::span<const std::int64_t>);
template void write_dataset(hid_t, const std::string&, const std::vector<hsize_t>&,
                            std::span<const std::uint32_t>);

}  // namespace microgpt::hdf5
