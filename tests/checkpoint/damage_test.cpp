// Whatever befalls the bytes of a checkpoint on the way, nobody goes on from it unawares.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "checkpoint/edited_checkpoint.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class DamageTest : public testing::Test {
 protected:
  DamageTest() {
    const CheckpointInfo info = small_info(Precision::float32);
    write_checkpoint(file_, info, small_state<float>(info));
    good_ = read_bytes(file_);
  }

  /// What read_checkpoint says of a file with these bytes.
  [[nodiscard]] std::string verdict(const std::string& bytes) const {
    write_bytes(file_, bytes);
    return verdict();
  }
  [[nodiscard]] std::string verdict() const {
    return message_of<InputError>([&] { (void)read_checkpoint(file_); });
  }

  [[nodiscard]] auto says(const std::string& text) const {
    return AllOf(StartsWith(file_.string() + ": "), HasSubstr(text), Not(HasSubstr("\n")));
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "step.h5";
  std::string good_;
};

TEST_F(DamageTest, EveryByteCounts) {
  for (std::size_t place = 0; place < good_.size(); place += 211) {
    for (const int bit : {0, 3, 7}) {
      std::string bytes = good_;
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << bit));
      EXPECT_THAT(verdict(bytes), says("")) << "bit " << bit << " of byte " << place;
    }
  }
}

TEST_F(DamageTest, EveryBlockCounts) {
  constexpr std::size_t kBlock = 512;
  for (std::size_t place = 0; place < good_.size(); place += kBlock) {
    for (const char filler : {'\0', '\xff'}) {
      std::string bytes = good_;
      bytes.replace(place, kBlock, std::min(kBlock, good_.size() - place), filler);
      if (bytes == good_) continue;
      EXPECT_THAT(verdict(bytes), says("")) << "block at byte " << place;
    }
  }
}

TEST_F(DamageTest, EveryTruncationShows) {
  for (std::size_t size = 8; size < good_.size(); size += 199) {
    EXPECT_THAT(verdict(good_.substr(0, size)), says(size < 28 ? "" : "truncated")) << size;
  }
  EXPECT_THAT(
      verdict(good_.substr(0, good_.size() - 1)),
      says("truncated: it has " + std::to_string(good_.size() - 1) + " bytes and should have " +
           std::to_string(good_.size()) + "; use an earlier checkpoint"));
  EXPECT_THAT(verdict(good_ + "x"), says("damaged"));
}

TEST_F(DamageTest, TellsWhatIsNoCheckpoint) {
  EXPECT_THAT(verdict(""), says("not a checkpoint"));
  EXPECT_THAT(verdict("n_layer: 1\n"), says("not a checkpoint"));
  EXPECT_THAT(verdict(std::string(100'000, 'x')), says("not a checkpoint"));
  std::filesystem::remove(file_);
  EXPECT_THAT(verdict(), says("there is no such checkpoint"));
  std::filesystem::create_directory(file_);
  EXPECT_THAT(verdict(), says("folder"));
  std::filesystem::remove(file_);
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  EXPECT_THAT(verdict(), says("not a regular file"));
}

TEST_F(DamageTest, TellsOtherHdf5Files) {
  for (const auto version : {H5F_LIBVER_EARLIEST, H5F_LIBVER_V18, H5F_LIBVER_V110}) {
    {
      const hdf5::Session session;
      const hdf5::Properties access(H5Pcreate(H5P_FILE_ACCESS), "make");
      hdf5::check(H5Pset_libver_bounds(access, version, H5F_LIBVER_LATEST), "set");
      const hdf5::File file(H5Fcreate(file_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), "make");
      hdf5::write_attribute(file, "title", std::string("somebody else's"));
    }
    EXPECT_THAT(verdict(), says("an HDF5 file, but not")) << version;
  }
}

TEST_F(DamageTest, TellsANewerVersion) {
  change_file(file_, [](hid_t file) {
    replace_attribute(file, "/", "format_version", std::int64_t{2});
    remove_object(file, "file_sha256");  // for all that we know
  });
  EXPECT_THAT(verdict(), says("written by a newer microgpt"));
  EXPECT_THAT(verdict(), says("update the program"));
}

TEST_F(DamageTest, TellsAChangeThroughHdf5) {
  change_file(file_, [](hid_t file) { replace_attribute(file, "/", "step", std::int64_t{19}); });
  EXPECT_THAT(verdict(), says("damaged"));
}

}  // namespace
}  // namespace microgpt
