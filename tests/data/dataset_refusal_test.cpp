// Every file that cannot be a dataset, and what is said of it.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "support.hpp"

namespace microgpt {
namespace {

class DatasetRefusal : public ::testing::Test {
 protected:
  // What is said of a file of the test's folder.
  std::string of(const std::filesystem::path& name, DocumentMode mode = DocumentMode::lines) {
    return folder_.refusal([&] { return Dataset::load(folder_.path() / name, mode, 8); });
  }

  // What is expected where the system gives `reason`.
  static std::string unreadable(std::string_view name, std::string_view reason) {
    return std::string(name) + ": cannot be read: " + std::string(reason) +
           "; check the path and the permissions";
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetRefusal, NamesAFileWithoutADocument) {
  const std::string_view message = "names.txt: holds no document; give a file with text";
  for (const std::string_view bytes : {"", "\n", "\r\n\r\n", " \t\n\u3000\n\x1c"}) {
    (void)folder_.file("names.txt", bytes);
    EXPECT_EQ(of("names.txt"), message) << bytes;
  }
  (void)folder_.file("names.txt", "");
  EXPECT_EQ(of("names.txt", DocumentMode::text), message);
}

TEST_F(DatasetRefusal, NamesAFileWithoutADocumentForAModelToo) {
  const auto tokenizer = Tokenizer::of_text(U"ab\n");
  for (const DocumentMode mode : {DocumentMode::lines, DocumentMode::text}) {
    const auto file = folder_.file("names.txt", "");
    EXPECT_EQ(folder_.refusal([&] { return Dataset::load(file, mode, 8, tokenizer); }),
              "names.txt: holds no document; give a file with text");
  }
}

TEST_F(DatasetRefusal, SaysWhyAFileCannotBeRead) {
  (void)folder_.file("plain", "ann\n");
  std::filesystem::create_directory(folder_.path() / "folder");
  std::filesystem::create_symlink("nowhere", folder_.path() / "broken");
  EXPECT_EQ(of("missing.txt"), unreadable("missing.txt", "No such file or directory"));
  EXPECT_EQ(of("no/such.txt"), unreadable("no/such.txt", "No such file or directory"));
  EXPECT_EQ(of("broken"), unreadable("broken", "No such file or directory"));
  EXPECT_EQ(of("plain/file.txt"), unreadable("plain/file.txt", "Not a directory"));
  EXPECT_EQ(of("folder"), "folder: is a folder; name a text file");
}

TEST_F(DatasetRefusal, SaysWhyAPathLeadsNowhere) {
  std::filesystem::create_symlink("circle", folder_.path() / "circle");
  const std::string long_name(300, 'x');
  EXPECT_EQ(of("circle"), unreadable("circle", "Too many levels of symbolic links"));
  EXPECT_EQ(of(long_name), unreadable(long_name, "File name too long"));
}

// Reading one would never end, or take from another program what is not given twice.
TEST_F(DatasetRefusal, NamesWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  const std::string_view reason = ": is not a regular file; name a text file";
  EXPECT_EQ(of("pipe"), "pipe" + std::string(reason));
  EXPECT_EQ(of("/dev/zero"), "/dev/zero" + std::string(reason));
}

TEST_F(DatasetRefusal, SaysThatAFileMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  std::filesystem::permissions(folder_.file("names.txt", "ann\n"), std::filesystem::perms::none);
  EXPECT_EQ(of("names.txt"), unreadable("names.txt", "Permission denied"));
}

// A disk that fails in mid-read, as this process's memory does at address 0.
TEST_F(DatasetRefusal, SaysThatReadingFailed) {
  const std::filesystem::path memory = "/proc/self/mem";
  if (access(memory.c_str(), R_OK) != 0) GTEST_SKIP() << "needs Linux's " << memory;
  EXPECT_EQ(of(memory), unreadable("/proc/self/mem", "Input/output error"));
}

TEST_F(DatasetRefusal, NamesTheLineThatIsNotUtf8) {
  (void)folder_.file("names.txt", "ann\nzo\xeb\n");
  for (const DocumentMode mode : {DocumentMode::lines, DocumentMode::text}) {
    EXPECT_EQ(of("names.txt", mode),
              "names.txt:2: not UTF-8 (byte 0xeb); convert the file, for instance with iconv -t "
              "UTF-8");
  }
}

TEST_F(DatasetRefusal, NamesTheCharacterThatAModelDoesNotKnow) {
  const auto tokenizer = Tokenizer::of_text(U"abno ");
  struct Case {
    DocumentMode mode;
    std::string_view bytes, line, character;
  };
  for (const auto& [mode, bytes, line, character] : {
           Case{DocumentMode::lines, "ann\r\n\r\n  Bob \r\n", "3", "'B' (U+0042)"},
           Case{DocumentMode::lines, "ann\rb\u00a0b", "2", "U+00A0"},
           Case{DocumentMode::lines, "ann\n𝄞", "2", "'𝄞' (U+1D11E)"},
           Case{DocumentMode::lines, "ann\nbobbobbobé", "2", "'é' (U+00E9)"},  // is cut off
           Case{DocumentMode::text, "ann bob\nann", "1", "U+000A"},
           Case{DocumentMode::text, "é", "1", "'é' (U+00E9)"},
       }) {
    const auto file = folder_.file("names.txt", bytes);
    EXPECT_EQ(folder_.refusal([&, m = mode] { return Dataset::load(file, m, 8, tokenizer); }),
              "names.txt:" + std::string(line) + ": the model does not know the character " +
                  std::string(character) + "; remove it, or use a model trained with it");
  }
}

}  // namespace
}  // namespace microgpt
