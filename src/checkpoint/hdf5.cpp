#include "checkpoint/hdf5.hpp"

#include "base/printable.hpp"

namespace microgpt::hdf5 {
namespace {

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Appends the description of one stack frame; frames that only pass the news on bring no new one.
herr_t append_description(unsigned /*number*/, const H5E_error2_t* frame, void* text) {
  auto& reasons = *static_cast<std::string*>(text);
  const std::string_view reason = frame->desc != nullptr ? frame->desc : "";
  if (!reason.empty() && !reasons.ends_with(reason)) {
    reasons += ": ";
    reasons += reason;
  }
  return 0;
}

}  // namespace

Session::Session() : lock_(library_mutex()) {
  // Must come before HDF5's first call. Otherwise HDF5 tidies up as the program ends, and after a
  // damaged file it prints that it cannot; no file of ours is still open then.
  static const herr_t untidied = H5dont_atexit();
  (void)untidied;
  check(H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_), "ask who prints errors");
  check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "silence the printing of errors");
}

Session::~Session() { H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_); }

void fail(std::string_view deed) {
  std::string message = "cannot ";
  message += deed;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, append_description, &message);
  // A description may quote names from a damaged file.
  throw Error(printable(message));
}

std::size_t place_of(hid_t group, const std::string& name) {
  const Dataset dataset(H5Dopen2(group, name.c_str(), H5P_DEFAULT), "open " + name);
  const haddr_t place = H5Dget_offset(dataset);
  if (place == HADDR_UNDEF) fail("find the place of " + name);
  return place;
}

Type text_type() {
  Type type(H5Tcopy(H5T_C_S1), "make the type of text");
  check(H5Tset_size(type, H5T_VARIABLE), "make the type of text");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "make the type of text");
  return type;
}

}  // namespace microgpt::hdf5
