// A file or link that is replaced is the old or the new one, whichever call fails or is the last.
#include "base/durable_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "checkpoint/temporary_folder.hpp"
#include "microgpt/error.hpp"

// A disk that can be told to go wrong: the program's own write, fsync, rename and symlink stand in
// front of the C library's.
namespace {

enum class Fault { none, error, interrupt, short_write, no_write, wrong_bytes, stop };

struct Disk {
  Fault fault = Fault::none;
  int error = 0;
  int at_call = 0;  // which call goes wrong, from 1; counts all kinds of call together
  int calls = 0;
};

Disk disk;

/// True where this call has to fail, with errno set; does not return where the machine stops.
bool goes_wrong() {
  if (disk.fault == Fault::none || ++disk.calls != disk.at_call) return false;
  if (disk.fault == Fault::stop) _exit(0);
  if (disk.fault == Fault::short_write) return false;
  errno = disk.fault == Fault::interrupt ? EINTR : disk.error;
  return true;
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  if (goes_wrong()) return -1;
  if (disk.fault == Fault::short_write) size = std::min(size, size_t{7});
  if (disk.fault == Fault::no_write) return 0;
  if (disk.fault == Fault::wrong_bytes) bytes = &disk;
  return syscall(SYS_write, file, bytes, size);
}

int fsync(int file) { return goes_wrong() ? -1 : static_cast<int>(syscall(SYS_fsync, file)); }

int rename(const char* from, const char* to) noexcept {
  return goes_wrong() ? -1
                      : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int symlink(const char* target, const char* link) noexcept {
  return goes_wrong() ? -1 : static_cast<int>(syscall(SYS_symlinkat, target, AT_FDCWD, link));
}

}  // extern "C"

namespace microgpt {
namespace {

namespace fs = std::filesystem;

class DurableFileTest : public testing::Test {
 protected:
  ~DurableFileTest() override { disk = {}; }

  void write(const std::string& text) { write_file_durably(file_, std::as_bytes(std::span(text))); }

  [[nodiscard]] std::string read() const { return read_bytes(file_); }

  TemporaryFolder folder_;
  fs::path file_ = folder_ / "file";
};

/// How many of the disk's calls `deed` makes when all goes well.
int calls_of(const std::function<void()>& deed) {
  disk = {.fault = Fault::error, .error = EIO, .at_call = -1};
  deed();
  const int calls = disk.calls;
  disk = {};
  return calls;
}

TEST_F(DurableFileTest, WritesWhatItIsGiven) {
  for (const std::size_t size : {0U, 1U, 4095U, 1U << 20U, (1U << 20U) + 1U, 3'000'000U}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * i / 7);
    write(text);
    EXPECT_TRUE(read() == text) << size << " bytes";
  }
  EXPECT_THAT(folder_.names(), testing::ElementsAre("file"));
}

TEST_F(DurableFileTest, TakesTheFolderFromWhereItStands) {
  const fs::path former = fs::current_path();
  fs::current_path(folder_.path());
  const std::string text = "here";
  write_file_durably("file", std::as_bytes(std::span(text)));
  fs::current_path(former);
  EXPECT_EQ(read(), "here");
}

TEST_F(DurableFileTest, OverwritesATemporaryFileThatWasLeftBehind) {
  std::ofstream(file_.string() + ".tmp") << "half a checkpoint that is longer than the new one";
  write("new");
  EXPECT_EQ(read(), "new");
  EXPECT_THAT(folder_.names(), testing::ElementsAre("file"));
}

TEST_F(DurableFileTest, SaysWhichFileAndWhy) {
  file_ = folder_ / "absent" / "file";
  EXPECT_EQ(message_of<RunError>([&] { write("text"); }),
            file_.string() + ".tmp: cannot create: No such file or directory");
  file_ = folder_ / "taken";
  fs::create_directory(file_);
  EXPECT_EQ(message_of<RunError>([&] { write("text"); }),
            file_.string() + ": cannot rename into place: Is a directory");
  EXPECT_THAT(folder_.names(), testing::ElementsAre("taken"));
}

TEST_F(DurableFileTest, KeepsTheFormerFileWhicheverCallFails) {
  const std::string text(2'500'000, 'n');
  const int calls = calls_of([&] { write(text); });
  EXPECT_EQ(calls, 3 + 1 + 1 + 1) << "pieces written, file synced, renamed, folder synced";
  for (int call = 1; call <= calls; ++call) {
    for (const int error : {ENOSPC, EIO}) {
      write("former");
      disk = {.fault = Fault::error, .error = error, .at_call = call};
      const std::string message = message_of<RunError>([&] { write(text); });
      disk = {};
      EXPECT_THAT(message, testing::HasSubstr(folder_.path().string()));
      EXPECT_THAT(message, testing::HasSubstr(std::generic_category().message(error)));
      // Only the very last call, the folder's fsync, comes after the new file is in place.
      EXPECT_TRUE(read() == (call == calls ? text : "former")) << "call " << call;
      EXPECT_THAT(folder_.names(), testing::ElementsAre("file"));
    }
  }
}

TEST_F(DurableFileTest, KeepsTheFormerFileWhereverTheMachineStops) {
  const std::string text(2'500'000, 'n');
  const int calls = calls_of([&] { write(text); });
  for (int call = 1; call <= calls; ++call) {
    write("former");
    const pid_t child = fork();
    if (child == 0) {
      disk = {.fault = Fault::stop, .at_call = call};
      write(text);
      _exit(1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_TRUE(read() == (call == calls ? text : "former")) << "call " << call;
  }
  write(text);
  EXPECT_TRUE(read() == text);
  EXPECT_THAT(folder_.names(), testing::ElementsAre("file"));
}

TEST_F(DurableFileTest, GoesOnAfterInterruptsAndShortWrites) {
  const int calls = calls_of([&] { write("text"); });
  for (int call = 1; call <= calls; ++call) {
    if (call == 3) continue;  // rename is not interrupted
    disk = {.fault = Fault::interrupt, .at_call = call};
    write("text " + std::to_string(call));
    disk = {};
    EXPECT_EQ(read(), "text " + std::to_string(call));
  }
  disk = {.fault = Fault::short_write};
  write("more than seven bytes");
  disk = {};
  EXPECT_EQ(read(), "more than seven bytes");
}

TEST_F(DurableFileTest, TakesADiskThatWritesNothingForFull) {
  write("former");
  disk = {.fault = Fault::no_write};
  const std::string message = message_of<RunError>([&] { write("text"); });
  disk = {};
  EXPECT_THAT(message, testing::HasSubstr(std::strerror(ENOSPC)));
  EXPECT_EQ(read(), "former");
}

// Some file systems have no such operation for folders; for files it has to be there.
TEST_F(DurableFileTest, GoesWithoutTheSyncOfAFolder) {
  const int calls = calls_of([&] { write("text"); });
  EXPECT_EQ(calls, 4) << "written, synced, renamed, folder synced";
  disk = {.fault = Fault::error, .error = EINVAL, .at_call = calls};
  EXPECT_NO_THROW(write("new"));
  disk = {.fault = Fault::error, .error = EINVAL, .at_call = 2};
  EXPECT_THROW(write("newer"), RunError);
  disk = {};
  EXPECT_EQ(read(), "new");
}

TEST_F(DurableFileTest, DoesNotWriteThroughALinkThatLiesInItsWay) {
  fs::create_symlink(folder_ / "precious", folder_ / "file.tmp");
  write_bytes(folder_ / "precious", "mine");
  EXPECT_THROW(write("text"), RunError);
  EXPECT_EQ(read_bytes(folder_ / "precious"), "mine");
}

TEST_F(DurableFileTest, KeepsTheFormerFileIfTheDiskLies) {
  write("former");
  disk = {.fault = Fault::wrong_bytes};
  const std::string message = message_of<RunError>([&] { write("text"); });
  disk = {};
  EXPECT_THAT(message, testing::HasSubstr("returned other bytes than were written"));
  EXPECT_EQ(read(), "former");
  EXPECT_THAT(folder_.names(), testing::ElementsAre("file"));
}

TEST_F(DurableFileTest, ReplacesALink) {
  const fs::path link = folder_ / "latest";
  replace_symlink(link, "one");
  EXPECT_EQ(fs::read_symlink(link), "one");
  replace_symlink(link, "two");
  EXPECT_EQ(fs::read_symlink(link), "two");
  EXPECT_THAT(folder_.names(), testing::ElementsAre("latest"));
}

TEST_F(DurableFileTest, KeepsTheFormerLinkWhicheverCallFails) {
  const fs::path link = folder_ / "latest";
  replace_symlink(link, "former");
  const int calls = calls_of([&] { replace_symlink(link, "former"); });
  EXPECT_EQ(calls, 3) << "linked, renamed, folder synced";
  for (int call = 1; call <= calls; ++call) {
    replace_symlink(link, "former");
    disk = {.fault = Fault::error, .error = ENOSPC, .at_call = call};
    EXPECT_THROW(replace_symlink(link, "new"), RunError);
    disk = {};
    EXPECT_EQ(fs::read_symlink(link), call == calls ? "new" : "former");
    EXPECT_THAT(folder_.names(), testing::ElementsAre("latest"));
  }
}

TEST_F(DurableFileTest, ReplacesALinkAfterOneWasLeftBehind) {
  const fs::path link = folder_ / "latest";
  fs::create_symlink("half", folder_ / "latest.tmp");
  replace_symlink(link, "new");
  EXPECT_EQ(fs::read_symlink(link), "new");
  EXPECT_THAT(folder_.names(), testing::ElementsAre("latest"));
}

}  // namespace
}  // namespace microgpt
