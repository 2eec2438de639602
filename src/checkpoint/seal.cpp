#include "checkpoint/seal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/durable_file.hpp"
#include "base/file_error.hpp"
#include "base/sha256.hpp"
#include "checkpoint/hdf5_output.hpp"

namespace microgpt {
namespace {

using namespace hdf5;

constexpr const char* kName = "file_sha256";
constexpr std::size_t kPiece = std::size_t{1} << 20U;  // bytes read at once

/// The digest of a file whose bytes come in pieces.
class SealDigest {
 public:
  explicit SealDigest(std::size_t place) : place_(place) {}

  /// Takes the next piece and blanks the seal in it.
  void update(std::span<std::byte> piece) {
    const std::size_t end = position_ + piece.size();
    const std::size_t seal_begin = std::clamp(place_, position_, end) - position_;
    const std::size_t seal_end = std::clamp(place_ + Sha256::kSize, position_, end) - position_;
    std::ranges::fill(piece.subspan(seal_begin, seal_end - seal_begin), std::byte{0});
    sha256_.update(piece);
    position_ = end;
  }

  [[nodiscard]] Sha256::Digest result() const { return sha256_.digest(); }

 private:
  std::size_t place_;
  std::size_t position_ = 0;
  Sha256 sha256_;
};

/// From the very file that HDF5 has open, even if another has taken its name since.
Sha256::Digest digest_of(const File& file, std::size_t place) {
  void* descriptor = nullptr;
  check(H5Fget_vfd_handle(file, H5P_DEFAULT, &descriptor), "find the open file");
  SealDigest digest(place);
  std::vector<std::byte> piece(kPiece);
  off_t position = 0;
  while (true) {
    const ssize_t count = uninterrupted([&] {
      return ::pread(*static_cast<int*>(descriptor), piece.data(), piece.size(), position);
    });
    if (count < 0) throw Error("cannot read it: " + system_reason(errno));
    if (count == 0) return digest.result();
    digest.update(std::span(piece).first(static_cast<std::size_t>(count)));
    position += count;
  }
}

}  // namespace

std::size_t reserve_seal(hid_t file) {
  constexpr std::array<std::uint8_t, Sha256::kSize> kBlank{};
  write_dataset(file, kName, {kBlank.size()}, std::span<const std::uint8_t>(kBlank));
  return place_of(file, kName);
}

void seal(std::span<std::byte> image, std::size_t place) {
  SealDigest digest(place);
  digest.update(image);
  std::ranges::copy(digest.result(), image.subspan(place).begin());
}

void verify_seal(const File& file, const InputGroup& root) {
  const auto sealed = read_list<std::uint8_t>(root, kName);
  const Sha256::Digest digest = digest_of(file, place_of(root.id, kName));
  if (!std::ranges::equal(std::as_bytes(std::span(sealed)), digest)) {
    throw Error("its bytes are not those that were written");
  }
}

}  // namespace microgpt
