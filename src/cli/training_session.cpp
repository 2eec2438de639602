#include "cli/training_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <string>

#include "base/printable.hpp"
#include "cli/console.hpp"
#include "cli/signals.hpp"
#include "distributed/agreement.hpp"
#include "microgpt/error.hpp"
#include "microgpt/generation.hpp"
#include "run/run_recorder.hpp"

namespace microgpt::cli {
namespace {

namespace fs = std::filesystem;

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

  // What nobody reads any more ends the run, but not without a checkpoint of what it has done.
  void on_step(const StepReport& report) override {
    recorder_.on_step(report);
    if (output_failure_) return;
    try {
      console_.on_step(report);
    } catch (const RunError&) {
      output_failure_ = std::current_exception();
      request_stop(SIGPIPE);
    }
  }
  void on_checkpoint(const CheckpointInfo& info, const AnyModelState& state) override {
    recorder_.on_checkpoint(info, state);
  }

  // Where a signal has come, too, that is the better reason: Ctrl-C ends `microgpt | tee` at both
  // ends.
  void require_output() const {
    if (output_failure_ && stop_signal() == SIGPIPE) std::rethrow_exception(output_failure_);
  }

 private:
  RunRecorder& recorder_;
  Console& console_;
  std::exception_ptr output_failure_;
};

void print_heading(const Trainer& trainer, const Dataset& dataset, const RunFolder& folder) {
  print(fmt::format("num docs: {}", dataset.documents().size()));
  const std::size_t held_out = trainer.split().validation.size();
  print(held_out > 0 ? fmt::format(" ({} of them held out)\n", held_out) : "\n");
  print(fmt::format("vocab size: {}\n", dataset.tokenizer().vocab_size()));
  print(fmt::format("num params: {}\n", trainer.layout().size()));
  print(fmt::format("run folder: {}\n", printable(folder.path().string())));
  flush_output();
}

// Draws from the generator where training has left it, as microgpt.py does: at most block_size
// characters each.
void print_samples(const Trainer& trainer, const Tokenizer& tokenizer) {
  const CheckpointInfo info = trainer.info();
  Generator generator(info.shape(), trainer.state(), tokenizer);
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
// written. `former_folder`: where the run's past is.
void train_and_record(const Setting& setting, Trainer& trainer, const Dataset& dataset,
                      RunFolder& folder, const fs::path& former_folder) {
  catch_stop_signals();
  std::optional<RunRecorder> recorder;
  together(setting.group, [&] {
    recorder.emplace(folder, trainer, former_folder);
    if (setting.talks()) print_heading(trainer, dataset, folder);
  });
  Console console(!setting.talks(), trainer.num_steps(), trainer.info().step);
  Session session(*recorder, console);
  try {
    const TrainingEnd end = trainer.run(session, stop_signal());
    together(setting.group, [&] {
      recorder->ensure_checkpoint(trainer);
      session.require_output();
      if (end == TrainingEnd::early && setting.talks()) {
        print("stopped early: val_loss has not improved for early_stop_patience evaluations\n");
      }
    });
  } catch (const RunError& error) {
    throw RunError(fmt::format("{} ({})", error.what(), newest_in_words(folder)));
  }
}

// The same in another process: a step there and each call of together() has one here.
void train_for_first(const Setting& setting, Trainer& trainer) {
  catch_stop_signals();
  together(setting.group, [] {});
  Nobody nobody;
  trainer.run(nobody, stop_signal());
  together(setting.group, [] {});
}

}  // namespace

int run_training(const Setting& setting, Trainer& trainer, const Dataset& dataset,
                 std::optional<RunFolder>& folder, const fs::path& former_folder) {
  if (setting.is_first()) {
    train_and_record(setting, trainer, dataset, *folder, former_folder);
  } else {
    train_for_first(setting, trainer);
  }
  // A signal to any process has stopped all of them.
  const int signal =
      static_cast<int>(std::ranges::max(values_of_all(setting.group, stop_signal().load())));
  setting.group.end_together();
  if (setting.is_first() && signal != 0) {
    flush_what_arrives();
    print_to_stderr(
        fmt::format("microgpt: stopped by {} after step {}; go on with: microgpt --resume {}",
                    signal_name(signal), trainer.info().step, folder->path().string()));
  } else if (setting.talks()) {
    print_samples(trainer, dataset.tokenizer());
    flush_output();
  }
  const int late_signal = std::max(signal, stop_signal().load());
  if (setting.is_first() && signal == 0 && late_signal != 0) {
    print_to_stderr(
        fmt::format("microgpt: stopped by {} while drawing samples; the run is complete",
                    signal_name(late_signal)));
  }
  return late_signal == 0 ? kDone : 128 + late_signal;
}

}  // namespace microgpt::cli
