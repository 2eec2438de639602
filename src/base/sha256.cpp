#include "base/sha256.hpp"

#include <openssl/evp.h>

#include <string_view>

#include "microgpt/error.hpp"

namespace microgpt {
namespace {

void check(int result) {
  if (result != 1) throw RunError("SHA-256 failed: OpenSSL does not provide it on this system");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(context_ ? EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) : 0);
}

void Sha256::update(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

Sha256::Digest Sha256::digest() const {
  // OpenSSL finishes a context for good, so finish a copy.
  Sha256 finished;
  check(EVP_MD_CTX_copy_ex(finished.context_.get(), context_.get()));
  Digest digest{};
  check(EVP_DigestFinal_ex(finished.context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                           nullptr));
  return digest;
}

std::string Sha256::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : digest()) {
    text += kDigits[std::to_integer<unsigned>(byte >> 4)];
    text += kDigits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return text;
}

}  // namespace microgpt
