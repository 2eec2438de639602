// A run's folder: who may write there, what is removed, what never is.
#include "run/run_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "checkpoint/temporary_folder.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class RunFolderTest : public testing::Test {
 protected:
  /// Makes empty files in the run's folder, which is made too.
  void put(const std::vector<std::string>& names) const {
    fs::create_directory(path_);
    for (const std::string& name : names) write_bytes(path_ / name, name);
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path_)) {
      found.push_back(entry.path().filename().string());
    }
    std::ranges::sort(found);
    return found;
  }

  /// From the folder's checkpoint of a step. The files of these tests cannot be read as
  /// checkpoints, so that none is of another run.
  [[nodiscard]] RunFolder reopen(std::int64_t step, bool changed, bool overwrite) const {
    CheckpointInfo info;
    info.step = step;
    return RunFolder::reopen(path_ / fmt::format("step-{:08}.h5", step), info, changed, overwrite);
  }

  [[nodiscard]] auto says(const std::string& text) const {
    return AllOf(StartsWith(path_.string() + ": "), HasSubstr(text), Not(HasSubstr("\n")));
  }

  TemporaryFolder parent_;
  fs::path path_ = parent_ / "run";
};

TEST_F(RunFolderTest, IsMadeEmpty) {
  const RunFolder folder = RunFolder::create(path_, false);
  EXPECT_EQ(folder.path(), path_);
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(folder.checkpoint_steps(), IsEmpty());
  EXPECT_EQ(folder.newest_checkpoint(), std::nullopt);
}

TEST_F(RunFolderTest, KnowsItsFilesByName) {
  const RunFolder folder = RunFolder::create(path_, false);
  EXPECT_EQ(folder.config_path(), path_ / "config.cfg");
  EXPECT_EQ(folder.metrics_path(), path_ / "metrics.jsonl");
  EXPECT_EQ(folder.checkpoint_path(500), path_ / "step-00000500.h5");
  EXPECT_EQ(folder.checkpoint_path(1'234'567'890), path_ / "step-1234567890.h5");
}

TEST_F(RunFolderTest, ListsCheckpointsByStep) {
  put({"step-00000010.h5", "step-00000009.h5", "step-100000000.h5", "step-99999999.h5"});
  // None of these is one.
  put({"step-00000011.h5.tmp", "step-011.h5", "step-000000012.h5", "step-00000013.h5x",
       "step--0000014.h5", "step-00000015", "xstep-00000016.h5", "step-0000001a.h5",
       "step-99999999999999999999.h5", "step-.h5", "last.h5", "notes.txt"});
  fs::create_directory(path_ / "step-00000017.h5");
  const RunFolder folder = reopen(10, false, false);
  EXPECT_THAT(folder.checkpoint_steps(), ElementsAre(9, 10, 99'999'999, 100'000'000));
  EXPECT_EQ(folder.newest_checkpoint(), path_ / "step-100000000.h5");
}

TEST_F(RunFolderTest, IsRefusedWhereItHoldsCheckpoints) {
  put({"step-00000010.h5"});
  const auto create = [&] { (void)RunFolder::create(path_, false); };
  EXPECT_THAT(message_of<InputError>(create),
              says("holds the checkpoints of a former run; go on with it (--resume "));
  EXPECT_THROW(RunFolder::require_free(path_, false), InputError);
  EXPECT_NO_THROW(RunFolder::require_free(path_, true));
}

TEST_F(RunFolderTest, TakesOverARunThatCameToNothing) {
  put({"config.cfg", "metrics.jsonl", "step-00000010.h5.tmp"});
  EXPECT_NO_THROW((void)RunFolder::create(path_, false));
}

TEST_F(RunFolderTest, LeavesTheConfigOfAUserAlone) {
  put({"config.cfg"});
  EXPECT_THROW((void)RunFolder::create(path_, false), InputError);
  EXPECT_EQ(read_bytes(path_ / "config.cfg"), "config.cfg");
}

TEST_F(RunFolderTest, LeavesAFileAloneThatHasALinksName) {
  put({"step-00000010.h5", "best.h5"});
  EXPECT_THAT(message_of<InputError>([&] { (void)reopen(10, false, true); }),
              AllOf(StartsWith((path_ / "best.h5").string() + ": "), HasSubstr("--out")));
  fs::copy_file(path_ / "step-00000010.h5", path_ / "best.h5",
                fs::copy_options::overwrite_existing);
  (void)reopen(10, false, false);

  fs::remove(path_ / "step-00000010.h5");
  EXPECT_THAT(message_of<InputError>([&] { (void)RunFolder::create(path_, false); }),
              HasSubstr("best.h5"));
  (void)RunFolder::create(path_, true);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(RunFolderTest, OverwritesARunAndNothingElse) {
  put({"step-00000010.h5", "step-00000020.h5", "step-00000030.h5.tmp", "metrics.jsonl",
       "config.cfg", "config.cfg.tmp", "latest.h5.tmp", ".microgpt-probe"});
  fs::create_symlink("step-00000020.h5", path_ / "latest.h5");
  fs::create_symlink("step-00000010.h5", path_ / "best.h5");
  const std::vector<std::string> others{"mine.h5", "notes.tmp", "step-1.h5", "step-1.h5.tmp"};
  put(others);
  (void)RunFolder::create(path_, true);
  EXPECT_THAT(names(), ElementsAreArray(others));
}

TEST_F(RunFolderTest, RemovesWhatWasLeftHalfDone) {
  put({"step-00000010.h5", "step-00000020.h5.tmp", "metrics.jsonl.tmp", "best.h5.tmp",
       ".microgpt-probe.tmp", "notes.tmp"});
  (void)reopen(10, false, false);
  EXPECT_THAT(names(), ElementsAre("notes.tmp", "step-00000010.h5"));
}

TEST_F(RunFolderTest, SaysWhyAFolderCannotServe) {
  const auto complaint = [this] {
    return message_of<InputError>([&] { (void)RunFolder::create(path_, false); });
  };
  write_bytes(path_, "a file");
  EXPECT_THAT(complaint(), says("is a file"));
  path_ = parent_ / "run" / "below";
  EXPECT_THAT(complaint(), says(""));
  path_ = "/proc/microgpt-run";  // not even root can make it
  EXPECT_THAT(complaint(), says("cannot be made"));
}

TEST_F(RunFolderTest, SaysThatAFolderIsReadOnly) {
  fs::create_directory(path_);
  fs::permissions(parent_.path(), fs::perms::all);
  constexpr auto kWrite = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
  fs::permissions(path_, kWrite, fs::perm_options::remove);
  EXPECT_EXIT(
      {
        // To root everything is writable, so be somebody else.
        if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
        std::fputs(message_of<InputError>([&] { (void)RunFolder::create(path_, false); }).c_str(),
                   stderr);
        _exit(0);
      },
      testing::ExitedWithCode(0), path_.string() + ": cannot be written to: Permission denied");
  fs::permissions(path_, fs::perms::owner_all);
}

TEST_F(RunFolderTest, IsForOneTrainerAtATime) {
  {
    const RunFolder folder = RunFolder::create(path_, false);
    EXPECT_THAT(message_of<InputError>([&] { (void)RunFolder::create(path_, false); }),
                says("is in use by another microgpt"));
    EXPECT_THAT(message_of<InputError>([&] { (void)reopen(1, false, false); }),
                says("is in use by another microgpt"));
  }
  EXPECT_NO_THROW((void)RunFolder::create(path_, false)) << "the lock goes with its owner";
}

TEST_F(RunFolderTest, IsForOneProcessAtATime) {
  const RunFolder folder = RunFolder::create(path_, false);
  const pid_t child = fork();
  if (child == 0) {
    try {
      (void)RunFolder::create(path_, false);
    } catch (const InputError&) {
      _exit(7);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(RunFolderTest, NumbersTheFirstFree) {
  const fs::path runs = parent_ / "deep" / "runs";
  EXPECT_EQ(RunFolder::create_first_free(runs, "small").path(), runs / "small-1");
  EXPECT_EQ(RunFolder::create_first_free(runs, "small").path(), runs / "small-2");
  EXPECT_EQ(RunFolder::create_first_free(runs, "other").path(), runs / "other-1");
  fs::remove(runs / "small-1");
  write_bytes(runs / "small-3", "a file");
  EXPECT_EQ(RunFolder::create_first_free(runs, "small").path(), runs / "small-1");
  EXPECT_EQ(RunFolder::create_first_free(runs, "small").path(), runs / "small-4");
}

TEST_F(RunFolderTest, GivesEachProcessItsOwn) {
  constexpr int kProcesses = 4;
  constexpr int kFoldersEach = 25;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    try {
      for (int i = 0; i < kFoldersEach; ++i) {
        const RunFolder folder = RunFolder::create_first_free(parent_.path(), "race");
        // Nobody else may have been here.
        if (fs::exists(folder.path() / "taken")) _exit(1);
        write_bytes(folder.path() / "taken", "");
      }
    } catch (const std::exception&) {
      _exit(2);
    }
    _exit(0);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(parent_.names().size(), kProcesses * kFoldersEach);
  EXPECT_TRUE(fs::exists(parent_ / ("race-" + std::to_string(kProcesses * kFoldersEach))));
}

TEST_F(RunFolderTest, LinksTheLatestAndTheBest) {
  put({"step-00000010.h5", "step-00000020.h5"});
  RunFolder folder = reopen(20, false, false);
  folder.update_links(10, std::nullopt);
  EXPECT_EQ(fs::read_symlink(path_ / "latest.h5"), "step-00000010.h5");
  EXPECT_FALSE(fs::exists(path_ / "best.h5"));
  folder.update_links(20, 10);
  EXPECT_EQ(fs::read_symlink(path_ / "latest.h5"), "step-00000020.h5");
  EXPECT_EQ(fs::read_symlink(path_ / "best.h5"), "step-00000010.h5");
  folder.update_links(20, 15);  // evaluated, but not kept
  EXPECT_EQ(fs::read_symlink(path_ / "best.h5"), "step-00000010.h5");
}

struct PruneCase {
  std::int64_t keep_newest;
  std::optional<std::int64_t> best;
  std::optional<std::int64_t> linked;  // where best.h5 points to
  std::vector<std::int64_t> left;
};

std::ostream& operator<<(std::ostream& out, const PruneCase& prune) {
  return out << "keep " << prune.keep_newest << ", best " << prune.best.value_or(0) << ", linked "
             << prune.linked.value_or(0);
}

class PruneTest : public RunFolderTest, public testing::WithParamInterface<PruneCase> {};

TEST_P(PruneTest, KeepsTheNewestAndTheBest) {
  put({"step-00000010.h5", "step-00000020.h5", "step-00000030.h5", "step-00000040.h5", "mine.h5",
       "step-00000005.h5.bak"});
  RunFolder folder = reopen(40, false, false);
  folder.update_links(40, GetParam().linked);
  folder.prune(GetParam().keep_newest, GetParam().best);
  EXPECT_EQ(folder.checkpoint_steps(), GetParam().left);
  EXPECT_TRUE(fs::exists(path_ / "latest.h5"));
  EXPECT_TRUE(fs::exists(path_ / "mine.h5") && fs::exists(path_ / "step-00000005.h5.bak"));
}

INSTANTIATE_TEST_SUITE_P(
    Table, PruneTest,
    testing::Values(PruneCase{0, {}, {}, {10, 20, 30, 40}}, PruneCase{1, {}, {}, {40}},
                    PruneCase{2, {}, {}, {30, 40}}, PruneCase{4, {}, {}, {10, 20, 30, 40}},
                    PruneCase{9, {}, {}, {10, 20, 30, 40}}, PruneCase{1, 20, 20, {20, 40}},
                    PruneCase{2, 30, 30, {30, 40}}, PruneCase{1, 20, {}, {20, 40}},
                    PruneCase{1, 40, 10, {10, 40}}, PruneCase{1, 25, {}, {40}}),
    [](const auto& test) { return "Case" + std::to_string(test.index); });

TEST_F(RunFolderTest, KeepsWhatTheLatestLinkPointsTo) {
  // A run that goes on from an earlier checkpoint writes steps that later ones outnumber.
  put({"step-00000010.h5", "step-00000020.h5", "step-00000030.h5"});
  RunFolder folder = reopen(10, false, false);
  folder.update_links(10, std::nullopt);
  folder.prune(1, std::nullopt);
  EXPECT_THAT(folder.checkpoint_steps(), ElementsAre(10, 30));
}

TEST_F(RunFolderTest, DoesNotMixAChangedRunWithTheFormer) {
  put({"step-00000010.h5", "step-00000020.h5", "step-00000030.h5"});
  fs::create_symlink("step-00000030.h5", path_ / "latest.h5");
  fs::create_symlink("step-00000020.h5", path_ / "best.h5");
  EXPECT_THAT(message_of<InputError>([&] { (void)reopen(10, true, false); }),
              says("holds checkpoints up to step 30, and the config has changed since step 10"));
  EXPECT_NO_THROW((void)reopen(30, true, false));
  EXPECT_EQ(reopen(10, false, false).checkpoint_steps().size(), 3);

  const RunFolder folder = reopen(10, true, true);
  EXPECT_THAT(names(), ElementsAre("latest.h5", "step-00000010.h5"));
  EXPECT_EQ(fs::read_symlink(path_ / "latest.h5"), "step-00000010.h5");
}

TEST_F(RunFolderTest, ResolvesWhatAUserMeans) {
  put({"step-00000010.h5", "step-00000020.h5", "step-00000030.h5.tmp"});
  fs::create_symlink("step-00000010.h5", path_ / "best.h5");
  const fs::path real = fs::canonical(path_);
  EXPECT_EQ(resolve_checkpoint(path_), real / "step-00000020.h5");
  EXPECT_EQ(resolve_checkpoint(path_ / ""), real / "step-00000020.h5");
  EXPECT_EQ(resolve_checkpoint(path_ / "step-00000010.h5"), real / "step-00000010.h5");
  EXPECT_EQ(resolve_checkpoint(path_ / "best.h5"), real / "step-00000010.h5");
}

TEST_F(RunFolderTest, SaysWhereThereIsNoCheckpoint) {
  const auto complaint = [this] {
    return message_of<InputError>([&] { (void)resolve_checkpoint(path_); });
  };
  EXPECT_THAT(complaint(), says("there is no such checkpoint or run folder"));
  put({"config.cfg", "step-00000010.h5.tmp"});
  EXPECT_THAT(complaint(), says("there is no checkpoint (step-*.h5) in this folder"));
  path_ = parent_ / "dangling.h5";
  fs::create_symlink("step-00000010.h5", path_);
  EXPECT_THAT(complaint(), says("there is no such checkpoint or run folder"));
}

}  // namespace
}  // namespace microgpt
