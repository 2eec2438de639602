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
#include "cli/signals.hpp"
#include "distributed/agreement.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/error.hpp"
#include "microgpt/generation.hpp"
#include "microgpt/process_group.hpp"
#include "microgpt/trainer.hpp"
#include "microgpt/version.hpp"
#include "run/run_folder.hpp"
#include "run/run_recorder.hpp"

namespace microgpt::cli {
namespace {

namespace fs = std::filesystem;

// What all of the run needs to know: what the user asked for, and who works on it.
struct Setting {
  const TrainOptions& options;
  ProcessGroup& group;
  int threads;  // of this process

  [[nodiscard]] bool is_first() const { return group.rank() == 0; }
  [[nodiscard]] bool talks() const { return is_first() && !options.quiet; }
};

// Of the processes but the first: their trainers have nobody to tell.
class Nobody final : public TrainingObserver {
 public:
  void on_step(const StepReport& /*report*/) override {}
  void on_checkpoint(const CheckpointInfo& /*info*/, const AnyModelState& /*state*/) override {}
};

// Tells the folder and the console of each step.
class Session final : public TrainingObserver {
 public:
  Session(RunRecorder& recorder, Console& console) : recorder_(recorder), console_(console) {}

  void on_step(const StepReport& report) override {
    recorder_.on_step(report);
    console_.on_step(report);
  }
  void on_checkpoint(const CheckpointInfo& info, const AnyModelState& state) override {
    recorder_.on_checkpoint(info, state);
  }

 private:
  RunRecorder& recorder_;
  Console& console_;
};

void print_heading(const Trainer& trainer, const Dataset& dataset, const RunFolder& folder) {
  print(fmt::format("num docs: {}", dataset.documents().size()));
  const std::size_t held_out = trainer.split().validation.size();
  print(held_out > 0 ? fmt::format(" ({} of them held out)\n", held_out) : "\n");
  print(fmt::format("vocab size: {}\n", dataset.tokenizer().vocab_size()));
  print(fmt::format("num params: {}\n", trainer.layout().size()));
  print(fmt::format("run folder: {}\n", folder.path().string()));
}

// Draws from the generator where training has left it, as microgpt.py does: at most block_size
// characters each.
void print_samples(const Trainer& trainer, const Tokenizer& tokenizer) {
  const CheckpointInfo info = trainer.info();
  Generator generator = std::visit(
      [&]<class Scalar>(const ModelState<Scalar>& model) {
        return Generator(info.shape(), model.parameters.values(), tokenizer);
      },
      trainer.state());
  const SampleOptions sample{.temperature = info.config.temperature,
                             .max_length = info.config.block_size};
  PythonRandom random(info.random);
  for (std::int64_t i = 1; i <= info.config.num_samples && stop_signal() == 0; ++i) {
    print(fmt::format("sample {:2}: {}\n", i, printable(generator.sample({}, sample, random))));
  }
}

std::string newest_in_words(const RunFolder& folder) {
  try {
    const auto newest = folder.newest_checkpoint();
    return newest ? "the newest checkpoint is " + newest->string() : "there is no checkpoint yet";
  } catch (const RunError&) {
    return "the run's folder cannot be read any more";
  }
}

// Trains, in the first process, with a record in `folder`. Returns with the last step's checkpoint
// written. `former_metrics`: the file that holds the run's past.
TrainingEnd train_and_record(const Setting& setting, Trainer& trainer, const Dataset& dataset,
                             RunFolder& folder, const fs::path& former_metrics) {
  std::optional<RunRecorder> recorder;
  together(setting.group, [&] {
    recorder.emplace(folder, trainer, former_metrics);
    if (setting.talks()) print_heading(trainer, dataset, folder);
  });
  catch_stop_signals();
  Console console(!setting.talks(), trainer.num_steps(), trainer.info().step);
  Session session(*recorder, console);
  try {
    const TrainingEnd end = trainer.run(session, stop_signal());
    together(setting.group, [&] {
      if (end == TrainingEnd::early && setting.talks()) {
        print("stopped early: val_loss has not improved for early_stop_patience evaluations\n");
      }
      recorder->ensure_checkpoint(trainer);
    });
    return end;
  } catch (const RunError& error) {
    throw RunError(fmt::format("{} ({})", error.what(), newest_in_words(folder)));
  }
}

// The same in another process: a step there and each call of together() has one here.
TrainingEnd train_for_first(const Setting& setting, Trainer& trainer) {
  together(setting.group, [] {});
  catch_stop_signals();
  Nobody nobody;
  const TrainingEnd end = trainer.run(nobody, stop_signal());
  together(setting.group, [] {});
  return end;
}

// Trains to the end or to a signal. `folder` is that of the first process.
int run_training(const Setting& setting, Trainer& trainer, const Dataset& dataset,
                 std::optional<RunFolder>& folder, const fs::path& former_metrics) {
  if (setting.is_first()) {
    train_and_record(setting, trainer, dataset, *folder, former_metrics);
  } else {
    train_for_first(setting, trainer);
  }
  // A signal to any process has stopped all of them.
  const int signal =
      static_cast<int>(std::ranges::max(values_of_all(setting.group, stop_signal().load())));
  setting.group.end_together();
  if (setting.is_first() && signal != 0) {
    if (setting.talks()) flush_output();
    print_to_stderr(
        fmt::format("microgpt: stopped by {} after step {}; go on with: microgpt --resume {}",
                    signal_name(signal), trainer.info().step, folder->path().string()));
  } else if (setting.talks()) {
    print_samples(trainer, dataset.tokenizer());
    flush_output();
  }
  const int late_signal = std::max(signal, stop_signal().load());
  return late_signal == 0 ? kDone : 128 + late_signal;
}

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
    }
    return Dataset::load(values.dataset, values.documents, values.block_size);
  });
  if (setting.is_first()) warn_of_byte_order_mark(dataset, values.dataset);
  const auto trainer = together(setting.group, [&] {
    return std::make_unique<Trainer>(values, dataset, setting.threads, setting.group);
  });
  require_same_run(setting, *trainer);
  auto folder = together(setting.group, [&]() -> std::optional<RunFolder> {
    if (!setting.is_first()) return std::nullopt;
    const std::string name = find_config(*options.config).stem().string();
    return options.out ? RunFolder::create(*options.out, options.overwrite)
                       : RunFolder::create_first_free("runs", name);
  });
  const fs::path metrics = folder ? folder->metrics_path() : fs::path();
  return run_training(setting, *trainer, dataset, folder, metrics);
}

// In the folder of the checkpoint, or in a new one.
RunFolder folder_for_resume(const TrainOptions& options, const fs::path& checkpoint,
                            std::int64_t step, bool changed) {
  const fs::path home = checkpoint.parent_path();
  std::error_code not_there;
  if (options.out && !fs::equivalent(home, *options.out, not_there)) {
    return RunFolder::create(*options.out, options.overwrite);
  }
  return RunFolder::reopen(home, step, changed, options.overwrite);
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
  print(fmt::format("resumed: {}\n", file.string()));
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
  const std::int64_t step = checkpoint.info.step;
  const std::string build = checkpoint.info.build;
  const Dataset dataset = together(setting.group, [&] {
    auto loaded = Dataset::load(values.dataset, values.documents, values.block_size);
    require_same_dataset(checkpoint.info, values.dataset, loaded.sha256());
    return loaded;
  });
  const auto trainer = together(setting.group, [&] {
    return std::make_unique<Trainer>(std::move(checkpoint), values, dataset, setting.threads,
                                     setting.group);
  });
  require_same_run(setting, *trainer);
  auto folder = together(setting.group, [&]() -> std::optional<RunFolder> {
    if (!setting.is_first()) return std::nullopt;
    RunFolder opened = folder_for_resume(options, file, step, !resumed.changes.empty());
    announce_resume(setting, file, build, resumed.changes);
    return opened;
  });
  return run_training(setting, *trainer, dataset, folder, file.parent_path() / "metrics.jsonl");
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
  std::unique_ptr<ProcessGroup> group;
  try {
    group = join_process_group(options.start_mpi);
  } catch (const InputError&) {
    if (launched_rank() > 0) throw EndedElsewhere(kBadInput);
    throw;
  }
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
