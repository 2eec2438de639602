// The folder of a run: which files are in it, what they are called, and who may write there.
//
//   config.cfg  metrics.jsonl  step-00000500.h5 ...  latest.h5 -> step-...  best.h5 -> step-...
//
// Nothing else in the folder is ever touched. A checkpoint's name appears when the file is complete
// (see base/durable_file.hpp), so every file of that name counts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/durable_file.hpp"
#include "microgpt/checkpoint.hpp"

namespace microgpt {

/// A folder that is locked for this process: nobody else trains into it while the object lives.
/// (Where the file system knows no locks, as some of those on a network, the run goes without.)
///
/// What makes a RunFolder throws InputError, which names the folder, where it cannot serve: in use
/// by another process, not a folder, no parent, not writable, or with a latest.h5 or best.h5 that
/// is no link and no copy of a checkpoint there. All else throws RunError.
class RunFolder {
 public:
  /// Throws InputError where create() would, as far as that shows without changing anything.
  static void require_free(const std::filesystem::path& path, bool overwrite);

  /// Throws InputError where `dataset` is one of the files that a run in the folder would write.
  static void require_apart(const std::filesystem::path& path,
                            const std::filesystem::path& dataset);

  /// The folder for a new run, made if it is missing. Throws InputError where it holds checkpoints,
  /// unless `overwrite` says that the former run's files be removed.
  [[nodiscard]] static RunFolder create(const std::filesystem::path& path, bool overwrite);

  /// The first free one of parent/name-1, parent/name-2, ...; makes the parent too. No two
  /// processes ever get the same.
  [[nodiscard]] static RunFolder create_first_free(const std::filesystem::path& parent,
                                                   const std::string& name);

  /// The folder of a run that goes on from its checkpoint `file`, which holds `info`. Throws
  /// InputError, unless `overwrite` says that they be removed, where checkpoints there are of
  /// another run: later ones, if this one has `changed` or they have another config; and any, if
  /// `file` was only put there. (One that cannot be read is no checkpoint, and is written anew.)
  [[nodiscard]] static RunFolder reopen(const std::filesystem::path& file,
                                        const CheckpointInfo& info, bool changed, bool overwrite);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path config_path() const;
  [[nodiscard]] std::filesystem::path metrics_path() const;
  [[nodiscard]] std::filesystem::path checkpoint_path(std::int64_t step) const;

  /// The steps of which there is a checkpoint, rising.
  [[nodiscard]] std::vector<std::int64_t> checkpoint_steps() const;
  [[nodiscard]] std::optional<std::filesystem::path> newest_checkpoint() const;

  /// Points latest.h5 and best.h5 to the checkpoints of these steps. A link stays as it is where
  /// there is no best step, or no checkpoint of it.
  void update_links(std::int64_t latest_step, std::optional<std::int64_t> best_step);

  /// Removes all checkpoints but the newest `keep_newest` (0: keeps all), the best, and those that
  /// a link points to.
  void prune(std::int64_t keep_newest, std::optional<std::int64_t> best_step);

 private:
  RunFolder(std::filesystem::path path, FileDescriptor lock);

  [[nodiscard]] static RunFolder lock(const std::filesystem::path& path);
  void check_writable() const;
  void remove_leftovers() const;
  void remove_run_files() const;
  void remove_checkpoints_after(std::int64_t step);

  std::filesystem::path path_;
  FileDescriptor lock_;
};

/// The checkpoint that a user means by a path: of a folder its newest, of a link the file.
/// Throws InputError where there is none.
[[nodiscard]] std::filesystem::path resolve_checkpoint(const std::filesystem::path& path);

}  // namespace microgpt
