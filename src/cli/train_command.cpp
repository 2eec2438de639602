#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/printable.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/find_config.hpp"
#include "cli/resume.hpp"
#include "cli/signals.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/error.hpp"
#include "microgpt/generation.hpp"
#include "microgpt/trainer.hpp"
#include "microgpt/version.hpp"
#include "run/run_folder.hpp"
#include "run/run_recorder.hpp"

namespace microgpt::cli {
namespace {

namespace fs = std::filesystem;

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

// Trains to the end or to a signal. `former_metrics`: the file that holds the run's past.
int run_training(Trainer& trainer, const Dataset& dataset, RunFolder& folder,
                 const fs::path& former_metrics, bool quiet) {
  RunRecorder recorder(folder, trainer, former_metrics);
  if (!quiet) print_heading(trainer, dataset, folder);

  catch_stop_signals();
  Console console(quiet, trainer.num_steps(), trainer.info().step);
  Session session(recorder, console);
  try {
    if (trainer.run(session, stop_signal()) == TrainingEnd::early && !quiet) {
      print("stopped early: val_loss has not improved for early_stop_patience evaluations\n");
    }
    recorder.ensure_checkpoint(trainer);
  } catch (const RunError& error) {
    throw RunError(fmt::format("{} ({})", error.what(), newest_in_words(folder)));
  }
  console.clear_live_line();

  if (const int signal = stop_signal().load(); signal != 0) {
    if (!quiet) flush_output();
    print_to_stderr(
        fmt::format("microgpt: stopped by {} after step {}; go on with: microgpt --resume {}",
                    signal_name(signal), trainer.info().step, folder.path().string()));
  } else if (!quiet) {
    print_samples(trainer, dataset.tokenizer());
    flush_output();
  }
  const int signal = stop_signal().load();
  return signal == 0 ? kDone : 128 + signal;
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

int start_run(const TrainOptions& options) {
  const fs::path file = find_config(*options.config);
  SourcedConfig config = load_config(file);
  for (const std::string& text : options.overrides) override_config(config, text);
  validate_config(config);
  if (options.print_config) {
    print(to_annotated_yaml(config));
    flush_output();
    return kDone;
  }

  if (options.out) RunFolder::require_free(*options.out, options.overwrite);
  const Config& values = config.values;
  const Dataset dataset = Dataset::load(values.dataset, values.documents, values.block_size);
  warn_of_byte_order_mark(dataset, values.dataset);
  Trainer trainer(values, dataset, options.threads);
  RunFolder folder = options.out ? RunFolder::create(*options.out, options.overwrite)
                                 : RunFolder::create_first_free("runs", file.stem().string());
  return run_training(trainer, dataset, folder, folder.metrics_path(), options.quiet);
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

int resume_run(const TrainOptions& options) {
  const fs::path file = resolve_checkpoint(*options.resume);
  Checkpoint checkpoint = read_checkpoint(file);
  const ResumedConfig resumed =
      resumed_config(checkpoint.info, file, options.overrides, options.threads);
  if (options.print_config) {
    print(to_annotated_yaml(resumed.config));
    flush_output();
    return kDone;
  }

  const Config& values = resumed.config.values;
  const Dataset dataset = Dataset::load(values.dataset, values.documents, values.block_size);
  require_same_dataset(checkpoint.info, values.dataset, dataset.sha256());
  const std::int64_t step = checkpoint.info.step;
  const std::string build = checkpoint.info.build;
  Trainer trainer(std::move(checkpoint), values, dataset, options.threads);
  RunFolder folder = folder_for_resume(options, file, step, !resumed.changes.empty());
  if (build != build_description()) {
    print_to_stderr(
        fmt::format("microgpt: warning: {} was written by another build ({}; this is {}): the run "
                    "goes on, but its bits may differ",
                    file.string(), build, build_description()));
  }
  if (!options.quiet) {
    print(fmt::format("resumed: {}\n", file.string()));
    for (const std::string& change : resumed.changes) print(change + "\n");
  }
  return run_training(trainer, dataset, folder, file.parent_path() / "metrics.jsonl",
                      options.quiet);
}

}  // namespace

int train(const TrainOptions& options) {
  return options.resume ? resume_run(options) : start_run(options);
}

}  // namespace microgpt::cli
