// HDF5's C library with the manners of C++: an id closes itself at the end of its scope, and a call
// that fails throws an Error with the library's own words.
#pragma once

#include <hdf5.h>

#include <bit>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace microgpt::hdf5 {

/// What HDF5 refused to do and why, or what is wrong with the contents of a file; one line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Every use of HDF5 happens while a Session lives. The library is not made for several threads,
/// so sessions exclude one another; and it prints errors to stderr unless it is told not to.
class Session {
 public:
  Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

 private:
  std::unique_lock<std::mutex> lock_;
  H5E_auto2_t printer_ = nullptr;
  void* printer_data_ = nullptr;
};

/// Throws Error: "cannot <deed>" with HDF5's error stack behind it.
[[noreturn]] void fail(std::string_view deed);

/// The result of an HDF5 call; throws Error where it is negative.
template <class Result>
Result check(Result result, std::string_view deed) {
  if (result < 0) fail(deed);
  return result;
}

/// Owns an id of the kind that `close` closes.
template <herr_t (*close)(hid_t)>
class Handle {
 public:
  Handle(hid_t id, std::string_view deed) : id_(check(id, deed)) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close(id_);
  }

  /// Gives the id away: the caller closes it.
  [[nodiscard]] hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

  // So that a handle stands for its id in HDF5's calls.
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};

using File = Handle<H5Fclose>;
using Group = Handle<H5Gclose>;
using Dataset = Handle<H5Dclose>;
using Attribute = Handle<H5Aclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using Properties = Handle<H5Pclose>;

/// The type of a number in the file, which is also the one in memory.
template <class Number>
hid_t type_of();
template <>
inline hid_t type_of<float>() {
  return H5T_IEEE_F32LE;
}
template <>
inline hid_t type_of<double>() {
  return H5T_IEEE_F64LE;
}
template <>
inline hid_t type_of<std::int64_t>() {
  return H5T_STD_I64LE;
}
template <>
inline hid_t type_of<std::uint8_t>() {
  return H5T_STD_U8LE;
}
template <>
inline hid_t type_of<std::uint32_t>() {
  return H5T_STD_U32LE;
}
static_assert(std::endian::native == std::endian::little,
              "on such a machine the types in memory differ, and so a conversion is needed");

/// Where in the file the bytes of a dataset begin.
[[nodiscard]] std::size_t place_of(hid_t group, const std::string& name);

/// Text of any length in UTF-8; h5py reads it as str.
[[nodiscard]] Type text_type();

}  // namespace microgpt::hdf5
