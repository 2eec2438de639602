#include "run/run_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file_error.hpp"
#include "base/printable.hpp"
#include "microgpt/error.hpp"
#include "run/run_files.hpp"

namespace microgpt {
namespace {

namespace fs = std::filesystem;

using namespace run_files;

void remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw_about<RunError>(path, "cannot remove", errno);
  }
}

bool has_file(const fs::path& folder, std::string_view name) {
  std::error_code error;
  return fs::exists(folder / name, error);
}

bool same_bytes(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::file_size(a, error) != fs::file_size(b, error) || error) return false;
  std::ifstream left(a, std::ios::binary);
  std::ifstream right(b, std::ios::binary);
  const std::istreambuf_iterator<char> end;
  return left && right &&
         std::equal(std::istreambuf_iterator(left), end, std::istreambuf_iterator(right), end);
}

/// latest.h5 and best.h5 are replaced by links. Where a folder was copied in a way that follows
/// links, they are files: nothing is lost if a checkpoint of the folder has the same bytes.
void refuse_files_for_links(const fs::path& folder) {
  for (const std::string_view name : {kLatest, kBest}) {
    const fs::path file = folder / name;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(file, error);
    if (!fs::exists(status) || fs::is_symlink(status)) continue;
    const auto steps = steps_in(folder, error);
    const auto is_copy = [&](std::int64_t step) {
      return same_bytes(file, folder / checkpoint_name(step));
    };
    if (std::ranges::any_of(steps, is_copy)) continue;
    throw_about<InputError>(
        file,
        "is a file of its own, which the run would replace by a link; give it another "
        "name (step-00000500.h5) or choose another folder (--out)");
  }
}

/// Whether the run of `info` would make the checkpoint again, so that nothing is lost if it does:
/// not one that cannot be read, or that a newer program has written.
bool is_of_run(const fs::path& checkpoint, const CheckpointInfo& info) {
  const auto comparable = [](Config config) {
    config.dataset.clear();  // which may have moved
    return to_yaml(config);
  };
  try {
    const CheckpointInfo other = read_checkpoint(checkpoint).info;
    return other.dataset_sha256 == info.dataset_sha256 &&
           comparable(other.config) == comparable(info.config);
  } catch (const DamagedCheckpoint&) {
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

RunFolder::RunFolder(fs::path path, FileDescriptor lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

void RunFolder::require_free(const fs::path& path, bool overwrite) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return;
  if (error) throw_about<InputError>(path, "cannot be used", error.value());
  if (!fs::is_directory(status)) {
    throw_about<InputError>(path, "is a file; name a folder for the run");
  }
  if (overwrite) return;

  const auto steps = steps_in(path, error);
  if (error) throw_about<InputError>(path, "cannot be read", error.value());
  if (!steps.empty()) {
    throw_about<InputError>(
        path, fmt::format("holds the checkpoints of a former run; go on with it (--resume {}), "
                          "choose another folder or replace it (--overwrite)",
                          printable(path.string())));
  }
  for (const std::string& name : names_in(path, error)) {
    if (!name.ends_with(".h5") || name == kLatest || name == kBest) continue;
    throw_about<InputError>(
        path / name,
        "may be a former run's checkpoint; choose another folder or replace the run, but for "
        "this file (--overwrite)");
  }
  if (error) throw_about<InputError>(path, "cannot be read", error.value());
  // A run writes its metrics first, so this config is not a run's but the user's own.
  if (has_file(path, kConfig) && !has_file(path, kMetrics)) {
    throw_about<InputError>(
        path, "holds a config.cfg, which the run would replace; choose another folder");
  }
  refuse_files_for_links(path);
}

void RunFolder::require_apart(const fs::path& path, const fs::path& dataset) {
  for (const std::string_view name : {kConfig, kMetrics, kLatest, kBest}) {
    std::error_code not_there;
    if (!fs::equivalent(path / name, dataset, not_there)) continue;
    throw_about<InputError>(dataset,
                            "the dataset lies where the run writes; choose another folder (--out)");
  }
}

RunFolder RunFolder::create(const fs::path& path, bool overwrite) {
  require_free(path, overwrite);
  const int error = make_folder_durably(path);
  if (error != 0 && error != EEXIST) throw_about<InputError>(path, "cannot be made", error);
  RunFolder folder = lock(path);
  require_free(path, overwrite);  // again, now that nobody can come between
  folder.check_writable();
  if (overwrite) folder.remove_run_files();
  folder.remove_leftovers();
  return folder;
}

RunFolder RunFolder::create_first_free(const fs::path& parent, const std::string& name) {
  for (std::int64_t number = 1;; ++number) {
    const fs::path path = parent / fmt::format("{}-{}", name, number);
    const int error = make_folder_durably(path);
    if (error == 0) {
      RunFolder folder = lock(path);
      folder.check_writable();
      return folder;
    }
    if (error != EEXIST) throw_about<InputError>(path, "cannot be made", error);
  }
}

RunFolder RunFolder::reopen(const fs::path& file, const CheckpointInfo& info, bool changed,
                            bool overwrite) {
  RunFolder folder = lock(file.has_parent_path() ? file.parent_path() : ".");
  refuse_files_for_links(folder.path());
  const auto steps = folder.checkpoint_steps();
  const bool is_own = file.filename() == checkpoint_name(info.step);
  const bool has_later = !steps.empty() && steps.back() > info.step;
  if (changed && has_later && !overwrite) {
    throw_about<InputError>(
        folder.path(),
        fmt::format("holds checkpoints up to step {}, and the config has changed since step {}; "
                    "choose another folder (--out) or remove them (--overwrite)",
                    steps.back(), info.step));
  }
  // Earlier ones led to the folder's own, whatever their config was.
  const bool holds_others = std::ranges::any_of(steps, [&](std::int64_t step) {
    return (!is_own || step > info.step) && !is_of_run(folder.checkpoint_path(step), info);
  });
  if (holds_others && !overwrite) {
    throw_about<InputError>(
        folder.path(),
        fmt::format("holds checkpoints up to step {} of another run, or of this one with another "
                    "config; choose another folder (--out) or remove them (--overwrite)",
                    steps.back()));
  }
  folder.check_writable();
  if (holds_others && !is_own) {
    folder.remove_run_files();
  } else if (holds_others || (changed && has_later)) {
    folder.remove_checkpoints_after(info.step);
  }
  folder.remove_leftovers();
  return folder;
}

fs::path RunFolder::config_path() const { return path_ / kConfig; }

fs::path RunFolder::metrics_path() const { return path_ / kMetrics; }

fs::path RunFolder::checkpoint_path(std::int64_t step) const {
  return path_ / checkpoint_name(step);
}

std::vector<std::int64_t> RunFolder::checkpoint_steps() const {
  std::error_code error;
  auto steps = steps_in(path_, error);
  if (error) throw_about<RunError>(path_, "cannot be read", error.value());
  return steps;
}

std::optional<fs::path> RunFolder::newest_checkpoint() const {
  const auto steps = checkpoint_steps();
  if (steps.empty()) return {};
  return checkpoint_path(steps.back());
}

void RunFolder::update_links(std::int64_t latest_step, std::optional<std::int64_t> best_step) {
  const auto point = [this](std::string_view link, std::int64_t step) {
    const std::string name = checkpoint_name(step);
    if (has_file(path_, name)) replace_symlink(path_ / link, name);
  };
  point(kLatest, latest_step);
  if (best_step) point(kBest, *best_step);
}

void RunFolder::prune(std::int64_t keep_newest, std::optional<std::int64_t> best_step) {
  const auto steps = checkpoint_steps();
  if (keep_newest == 0 || std::ssize(steps) <= keep_newest) return;
  const std::set<std::optional<std::int64_t>> kept{best_step, step_behind(path_ / kLatest),
                                                   step_behind(path_ / kBest)};
  for (const std::int64_t step :
       std::span(steps).first(steps.size() - static_cast<std::size_t>(keep_newest))) {
    if (!kept.contains(step)) remove_file(checkpoint_path(step));
  }
}

RunFolder RunFolder::lock(const fs::path& path) {
  const int descriptor =
      uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) throw_about<InputError>(path, "cannot be used as a folder", errno);
  FileDescriptor folder(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw_about<InputError>(
        path, "is in use by another microgpt; wait for its end or choose another folder");
  }
  return {path, std::move(folder)};
}

void RunFolder::check_writable() const {
  if (::access(path_.c_str(), R_OK | W_OK | X_OK) != 0) {
    throw_about<InputError>(path_, "cannot be written to", errno);
  }
  // The disk may still be full, or refuse in another way.
  write_file_durably(path_ / kProbe, std::as_bytes(std::span(kProbe)));
  remove_file(path_ / kProbe);
}

void RunFolder::remove_leftovers() const {
  std::error_code error;
  for (const std::string& name : names_in(path_, error)) {
    if (is_leftover(name)) remove_file(path_ / name);
  }
  if (error) throw_about<RunError>(path_, "cannot be read", error.value());
}

void RunFolder::remove_run_files() const {
  remove_file(path_ / kLatest);
  remove_file(path_ / kBest);
  for (const std::int64_t step : checkpoint_steps()) remove_file(checkpoint_path(step));
  remove_file(metrics_path());
  remove_file(config_path());
}

void RunFolder::remove_checkpoints_after(std::int64_t step) {
  update_links(step, {});
  for (const std::string_view link : {kLatest, kBest}) {
    if (step_behind(path_ / link) > step) remove_file(path_ / link);
  }
  const auto steps = checkpoint_steps();
  for (auto later = steps.rbegin(); later != steps.rend() && *later > step; ++later) {
    remove_file(checkpoint_path(*later));
  }
}

fs::path resolve_checkpoint(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    const auto steps = steps_in(path, error);
    if (error) throw_about<InputError>(path, "cannot be read", error.value());
    if (steps.empty()) {
      throw_about<InputError>(path, "there is no checkpoint (step-*.h5) in this folder");
    }
    // Where a checkpoint is a link to another disk, the run is still the one of this folder.
    const fs::path folder = fs::canonical(path, error);
    if (error) throw_about<InputError>(path, "cannot be read", error.value());
    return folder / checkpoint_name(steps.back());
  }
  const fs::path canonical = fs::canonical(path, error);
  if (error == std::errc::no_such_file_or_directory) {
    throw_about<InputError>(path, "there is no such checkpoint or run folder");
  }
  if (error) throw_about<InputError>(path, "cannot be read", error.value());
  return canonical;
}

}  // namespace microgpt
