// SHA-256, held against published digests.
#include "base/sha256.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

namespace microgpt {
namespace {

std::string digest(std::string_view text) {
  Sha256 sha256;
  sha256.update(std::as_bytes(std::span(text)));
  return sha256.hex();
}

// The examples that NIST publishes with FIPS 180-4.
TEST(Sha256Test, GivesThePublishedDigests) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, DoesNotDependOnHowTheBytesAreCut) {
  const std::string text(1000, 'x');
  for (const std::size_t cut : {0U, 1U, 63U, 64U, 65U, 999U, 1000U}) {
    Sha256 sha256;
    sha256.update(std::as_bytes(std::span(text).first(cut)));
    sha256.update(std::as_bytes(std::span(text).subspan(cut)));
    EXPECT_EQ(sha256.hex(), digest(text)) << "cut at " << cut;
  }
}

TEST(Sha256Test, GoesOnAfterADigestWasTaken) {
  Sha256 sha256;
  sha256.update(std::as_bytes(std::span(std::string_view("a"))));
  EXPECT_EQ(sha256.hex(), digest("a"));
  sha256.update(std::as_bytes(std::span(std::string_view("bc"))));
  EXPECT_EQ(sha256.hex(), digest("abc"));
}

}  // namespace
}  // namespace microgpt
