// SHA-256 (FIPS 180-4) of bytes that arrive in pieces: what tells a changed dataset and a damaged
// checkpoint from the ones that were written.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace microgpt {

class Sha256 {
 public:
  static constexpr std::size_t kSize = 32;
  using Digest = std::array<std::byte, kSize>;

  /// Throws RunError where the system's OpenSSL has no SHA-256.
  Sha256();

  void update(std::span<const std::byte> bytes);

  /// The digest of all bytes so far; more may follow.
  [[nodiscard]] Digest digest() const;

  /// The digest as 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace microgpt
