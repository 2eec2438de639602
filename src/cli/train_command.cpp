// The verb train: a new run, or one that goes on from a checkpoint, up to the point where a trainer
// and its folder are ready (see training_session.hpp).
#include <fmt/format.h>
#include <oneapi/tbb/info.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "base/printable.hpp"
#include "base/sha256.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/failure.hpp"
#include "cli/find_config.hpp"
#include "cli/resume.hpp"
#include "cli/training_session.hpp"
#include "distributed/agreement.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/process_group.hpp"
#include "microgpt/trainer.hpp"
#include "microgpt/version.hpp"
#include "run/run_folder.hpp"

namespace microgpt::cli {
namespace {

namespace fs = std::filesystem;

// Python's text mode keeps it, too; but hardly anybody wants it as a character of the first name.
void warn_of_byte_order_mark(const Dataset& dataset, const fs::path& file) {
  constexpr char32_t kByteOrderMark = 0xfeff;
  const Token first = dataset.stream()[1];
  if (first == dataset.tokenizer().bos() || dataset.tokenizer().decode(first) != kByteOrderMark) {
    return;
  }
  print_to_stderr(
      fmt::format("microgpt: warning: {}:1: begins with a byte-order mark, which is taken as a "
                  "character (U+FEFF); remove it, for instance with sed '1s/^\\xEF\\xBB\\xBF//'",
                  file.string()));
}

// ⌊fraction · N⌋ documents may be none.
void warn_of_idle_patience(const Config& config, const Trainer& trainer) {
  if (config.early_stop_patience == 0 || !trainer.split().validation.empty()) return;
  print_to_stderr(fmt::format(
      "microgpt: warning: validation_fraction {} of {} documents is not one: nothing is held out, "
      "and early_stop_patience has no effect",
      config_value(config, "validation_fraction"), trainer.split().training.size()));
}

std::string digest_of(const Config& config) {
  Config comparable = config;
  comparable.dataset.clear();  // hosts may keep it in different places
  Sha256 sha;
  const std::string text = to_yaml(comparable);
  sha.update(std::as_bytes(std::span(text)));
  return sha.hex();
}

std::string digest_of(const AnyModelState& state) {
  Sha256 sha;
  std::visit([&](const auto& model) { sha.update(std::as_bytes(model.parameters.values())); },
             state);
  return sha.hex();
}

// The processes may run on machines that see different files.
void require_same_run(const Setting& setting, const Trainer& trainer) {
  if (setting.group.size() == 1) return;
  const CheckpointInfo info = trainer.info();
  const std::array<CommonGround, 6> things{
      {{.name = "program", .text = fmt::format("{} ({})", info.program_version, info.build)},
       {.name = "config", .text = "sha256 " + digest_of(info.config)},
       {.name = "dataset", .text = "sha256 " + info.dataset_sha256},
       {.name = "checkpoint", .text = fmt::format("step {}", info.step)},
       {.name = "checkpoint", .text = fmt::format("cursor {}", info.cursor)},
       {.name = "model", .text = "sha256 " + digest_of(trainer.state())}}};
  require_common_ground(setting.group, things);
}

int print_config(const Setting& setting, const SourcedConfig& config) {
  setting.group.end_together();
  if (setting.is_first()) {
    print(to_annotated_yaml(config));
    flush_output();
  }
  return kDone;
}

// Of several processes, before any of them takes its own; the trainer of one alone asks itself.
void require_memory(const Setting& setting, const Config& config, const Dataset& dataset,
                    bool has_model) {
  if (setting.group.size() == 1) return;
  together(setting.group, [&] {
    Trainer::require_memory(config, dataset, setting.threads, setting.group, has_model);
  });
}

int start_run(const Setting& setting) {
  const TrainOptions& options = setting.options;
  const auto config = together(setting.group, [&] {
    SourcedConfig loaded = load_config(find_config(*options.config));
    for (const std::string& text : options.overrides) override_config(loaded, text);
    validate_config(loaded);
    return loaded;
  });
  if (options.print_config) return print_config(setting, config);

  const Config& values = config.values;
  const Dataset dataset = together(setting.group, [&] {
    if (options.out && setting.is_first()) {
      RunFolder::require_free(*options.out, options.overwrite);
      RunFolder::require_apart(*options.out, values.dataset);
    }
    return Dataset::load(values.dataset, values.documents, values.block_size);
  });
  if (setting.is_first()) warn_of_byte_order_mark(dataset, values.dataset);
  require_memory(setting, values, dataset, false);
  const auto trainer = together(setting.group, [&] {
    return std::make_unique<Trainer>(values, dataset, setting.threads, setting.group);
  });
  require_same_run(setting, *trainer);
  if (setting.is_first()) warn_of_idle_patience(values, *trainer);
  auto folder = together(setting.group, [&]() -> std::optional<RunFolder> {
    if (!setting.is_first()) return std::nullopt;
    const std::string name = fs::path(*options.config).stem().string();
    return options.out ? RunFolder::create(*options.out, options.overwrite)
                       : RunFolder::create_first_free("runs", name);
  });
  const fs::path own = folder ? folder->path() : fs::path();
  return run_training(setting, *trainer, dataset, folder, own);
}

// In the folder of the checkpoint, or in a new one.
RunFolder folder_for_resume(const TrainOptions& options, const fs::path& checkpoint,
                            const CheckpointInfo& info, const ResumedConfig& resumed) {
  const fs::path folder = options.out.value_or(checkpoint.parent_path());
  RunFolder::require_apart(folder, resumed.config.values.dataset);
  std::error_code not_there;
  if (!fs::equivalent(checkpoint.parent_path(), folder, not_there)) {
    return RunFolder::create(folder, options.overwrite);
  }
  return RunFolder::reopen(checkpoint, info, resumed.trains_otherwise, options.overwrite);
}

void announce_resume(const Setting& setting, const fs::path& file, const std::string& build,
                     const std::vector<std::string>& changes) {
  if (build != build_description()) {
    print_to_stderr(
        fmt::format("microgpt: warning: {} was written by another build ({}; this is {}): the run "
                    "goes on, but its bits may differ",
                    file.string(), build, build_description()));
  }
  if (!setting.talks()) return;
  print(fmt::format("resumed: {}\n", printable(file.string())));
  for (const std::string& change : changes) print(change + "\n");
}

int resume_run(const Setting& setting) {
  const TrainOptions& options = setting.options;
  const fs::path file =
      together(setting.group, [&] { return resolve_checkpoint(*options.resume); });
  Checkpoint checkpoint = together(setting.group, [&] { return read_checkpoint(file); });
  const ResumedConfig resumed = together(setting.group, [&] {
    return resumed_config(checkpoint.info, file, options.overrides,
                          setting.threads * setting.group.size());
  });
  if (options.print_config) return print_config(setting, resumed.config);

  const Config& values = resumed.config.values;
  const CheckpointInfo former = checkpoint.info;
  const Dataset dataset = together(setting.group, [&] {
    require_dataset(values.dataset);
    auto loaded = Dataset::load(values.dataset, values.documents, values.block_size);
    require_same_dataset(former, values.dataset, loaded);
    return loaded;
  });
  require_memory(setting, values, dataset, true);
  const auto trainer = together(setting.group, [&] {
    return std::make_unique<Trainer>(std::move(checkpoint), values, dataset, setting.threads,
                                     setting.group);
  });
  require_same_run(setting, *trainer);
  auto folder = together(setting.group, [&]() -> std::optional<RunFolder> {
    if (!setting.is_first()) return std::nullopt;
    RunFolder opened = folder_for_resume(options, file, former, resumed);
    announce_resume(setting, file, former.build, resumed.changes);
    return opened;
  });
  return run_training(setting, *trainer, dataset, folder, file.parent_path());
}

// A launcher that binds each process to one core leaves its threads to take turns there.
void warn_of_too_few_cores(const Setting& setting) {
  const int cores = oneapi::tbb::info::default_concurrency();
  if (!setting.is_first() || setting.group.size() == 1 || setting.threads <= cores ||
      cores >= ::sysconf(_SC_NPROCESSORS_ONLN)) {
    return;
  }
  print_to_stderr(
      fmt::format("microgpt: warning: the launcher has bound each process to {} of the machine's "
                  "cores, but it has {} threads; start it with: mpirun --bind-to none",
                  cores, setting.threads));
}

int default_threads(const ProcessGroup& group) {
  return std::max(1, oneapi::tbb::info::default_concurrency() / group.on_these_cores());
}

}  // namespace

int train(const TrainOptions& options) {
  const std::unique_ptr<ProcessGroup> group =
      first_one_says([&] { return join_process_group(options.start_mpi); });
  const Setting setting{.options = options,
                        .group = *group,
                        .threads = options.threads.value_or(default_threads(*group))};
  try {
    warn_of_too_few_cores(setting);
    return options.resume ? resume_run(setting) : start_run(setting);
  } catch (...) {
    // It is said before the group goes: a launcher ends all as soon as one process has failed.
    const bool known = group->ends_together();
    const std::string where = known || setting.is_first()
                                  ? ""
                                  : fmt::format("rank {} on {}: ", group->rank(), group->host());
    const int exit_code = report_failure(std::current_exception(), where);
    // The others may be waiting for a message that will never come.
    if (!known) group->abort(exit_code);
    return exit_code;
  }
}

}  // namespace microgpt::cli
