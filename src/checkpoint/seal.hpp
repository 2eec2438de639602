// The seal of a file: SHA-256 over all its bytes, those of the seal itself taken as zero.
//
// HDF5 guards its metadata with checksums, but neither the numbers nor the texts (a flipped bit in
// the heap of texts makes it crash). The seal is in a dataset that HDF5 reaches through checked
// metadata alone, so a reader can verify it before anything else.
#pragma once

#include <cstddef>
#include <span>

#include "checkpoint/hdf5_input.hpp"

namespace microgpt {

/// Makes the dataset /file_sha256, still zero, and returns where in the file its bytes are.
/// Throws hdf5::Error.
[[nodiscard]] std::size_t reserve_seal(hid_t file);

/// Fills in the seal of a finished file.
void seal(std::span<std::byte> image, std::size_t place);

/// Throws hdf5::Error where a byte of the file is not what it was when the file was sealed.
void verify_seal(const hdf5::File& file, const hdf5::InputGroup& root);

}  // namespace microgpt
