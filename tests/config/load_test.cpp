// Files that are, or are not, a config.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "support.hpp"

namespace microgpt {
namespace {

namespace fs = std::filesystem;

class LoadConfig : public testing::Test {
 protected:
  LoadConfig() {
    std::string name = (fs::temp_directory_path() / "config_test_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~LoadConfig() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  fs::path folder_;
};

TEST_F(LoadConfig, ReadsAFileAndItsDatasetBesideIt) {
  const fs::path file = write("small.cfg", "# comment\ndataset: ./names.txt\nn_embd: 32\n");
  const SourcedConfig config = load_config(file);
  EXPECT_EQ(config.values.n_embd, 32);
  EXPECT_EQ(config.values.dataset, folder_ / "names.txt");
  EXPECT_EQ(config.sources.at("n_embd"), file.string() + ":3");
}

TEST_F(LoadConfig, ReadsAnEmptyFile) {
  EXPECT_EQ(all_values(load_config(write("empty.cfg", "")).values), all_values(Config{}));
}

TEST_F(LoadConfig, NamesFileLineAndKey) {
  const fs::path file = write("small.cfg", "\n\nn_embd: 0\n");
  EXPECT_EQ(refusal([&] { return load_config(file); }),
            file.string() + ":3: n_embd must be from 1 to 65536, not 0");
}

TEST_F(LoadConfig, RefusesAFileThatDoesNotExist) {
  EXPECT_EQ(refusal([] { return load_config("/no/such.cfg"); }),
            "/no/such.cfg: cannot be opened: No such file or directory");
}

TEST_F(LoadConfig, RefusesAFolder) {
  EXPECT_EQ(refusal([&] { return load_config(folder_); }),
            folder_.string() + ": is a folder, not a config file; name a file in it");
}

TEST_F(LoadConfig, RefusesAFileThatMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const fs::path file = write("secret.cfg", "seed: 1\n");
  fs::permissions(file, fs::perms::none);
  EXPECT_EQ(refusal([&] { return load_config(file); }),
            file.string() + ": cannot be opened: Permission denied");
}

TEST_F(LoadConfig, RefusesMoreThanOneMebibyte) {
  const std::string comment = "#" + std::string((1 << 20) - 2, 'x') + "\n";
  EXPECT_EQ(refusal([&] { return load_config(write("full.cfg", comment)); }), "no error");
  const fs::path larger = write("larger.cfg", comment + "#");
  EXPECT_EQ(refusal([&] { return load_config(larger); }),
            larger.string() + ": is larger than 1 MiB: not a config file");
}

TEST_F(LoadConfig, RefusesAnEndlessDevice) {
  EXPECT_EQ(refusal([] { return load_config("/dev/zero"); }),
            "/dev/zero: is larger than 1 MiB: not a config file");
}

TEST_F(LoadConfig, KeepsTheMessageOnOneLineWhateverTheFilesName) {
  EXPECT_EQ(refusal([] { return load_config("/no/such\nfile.cfg"); }),
            "/no/such\\nfile.cfg: cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace microgpt
