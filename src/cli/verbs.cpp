#include "cli/verbs.hpp"

#include <fmt/format.h>
#include <oneapi/tbb/info.h>

#include "microgpt/config.hpp"
#include "microgpt/error.hpp"

namespace microgpt::cli {
namespace {

constexpr std::int64_t kMaxThreads = 4096;
constexpr std::int64_t kMaxCount = 1'000'000'000;

std::optional<int> threads_of(const ParsedOptions& given) {
  const auto threads = given.whole_number("threads", 1, kMaxThreads);
  if (!threads) return std::nullopt;
  return static_cast<int>(*threads);
}

Command train_command(const ParsedOptions& given) {
  TrainOptions options{.config = given.text("config"),
                       .resume = given.text("resume"),
                       .overrides = given.texts("set"),
                       .threads = threads_of(given),
                       .out = given.text("out"),
                       .overwrite = given.flag("overwrite"),
                       .quiet = given.flag("quiet"),
                       .print_config = given.flag("print-config"),
                       .start_mpi = given.flag("mpi")};
  if (options.config.has_value() == options.resume.has_value()) {
    throw InputError(options.config ? "--config and --resume: give one of them, not both"
                                    : "give --config FILE or --resume PATH; see --help");
  }
  return options;
}

std::string keys_help() {
  std::string text = "\nKeys of a config (and of --set), with their defaults:\n";
  for (const KeyDescription& key : describe_keys()) {
    text += fmt::format("  {:<21}{:<14}{}\n", key.name, key.default_value, key.meaning);
  }
  return text;
}

Verb train_verb() {
  return {
      .usage = "[train] --config FILE | --resume PATH [options]",
      .summary = "train a model, or go on training it",
      .options =
          {{"config", "FILE",
            "config file, or the name of one in configs/ of the current folder or in "
            "share/microgpt/configs/"},
           {"resume", "PATH", "go on from a checkpoint, or from the newest of a run's folder"},
           {"set", "KEY=VALUE", "override a config key; may be repeated"},
           {"threads", "N",
            "workers, 1 to 4096, of each process; the result does not depend on it (default: every "
            "core)"},
           {"out", "DIR",
            "folder of the run (default: the first free of runs/NAME-1, runs/NAME-2, ...)"},
           {"overwrite", "", "let the run replace what a former one left in its folder"},
           {"quiet", "", "print nothing but warnings and errors"},
           {"print-config", "",
            "print the effective config, with where each value came from, and exit"},
           {"mpi", "", "start MPI even where the environment shows no launcher (mpirun, srun)"}},
      .more_help = keys_help(),
      .command = train_command};
}

Command generate_command(const ParsedOptions& given) {
  const auto prompts = given.texts("prompt");
  return GenerateOptions{.checkpoint = given.required_text("checkpoint", "--checkpoint FILE"),
                         .count = given.whole_number("n", 1, kMaxCount),
                         .temperature = given.number_above_zero("temperature"),
                         .seed = given.whole_number("seed", 0, INT64_MAX),
                         .prompt = prompts.empty() ? "" : prompts.back(),
                         .length = given.whole_number("length", 1, kMaxCount).value_or(500)};
}

Verb generate_verb() {
  return {.usage = "generate --checkpoint FILE [options]",
          .summary = "draw samples from a checkpoint",
          .options = {{"checkpoint", "FILE", "checkpoint to draw from, or a run's folder"},
                      {"n", "N", "samples (default: 20, of a text model 1)"},
                      {"temperature", "T",
                       "above 0; lower is safer, higher is bolder (default: the run's)"},
                      {"prompt", "TEXT", "text to continue"},
                      {"length", "N",
                       "characters of a text model's sample; for others the most (default: 500)"},
                      {"seed", "N", "the same seed draws the same samples (default: the run's)"}},
          .more_help = "",
          .command = generate_command};
}

Command evaluate_command(const ParsedOptions& given) {
  return EvaluateOptions{
      .checkpoint = given.required_text("checkpoint", "--checkpoint FILE"),
      .data = given.required_text("data", "--data FILE"),
      .threads = threads_of(given).value_or(oneapi::tbb::info::default_concurrency())};
}

Verb evaluate_verb() {
  return {.usage = "evaluate --checkpoint FILE --data FILE",
          .summary = "the loss of a checkpoint on a text file",
          .options = {{"checkpoint", "FILE", "checkpoint to evaluate, or a run's folder"},
                      {"data", "FILE", "text file, read as the model's own dataset was"},
                      {"threads", "N", "workers, 1 to 4096 (default: every core)"}},
          .more_help = "",
          .command = evaluate_command};
}

Command info_command(const ParsedOptions& given) {
  return InfoOptions{.file = given.required_text("file", "a checkpoint: microgpt info FILE")};
}

Verb info_verb() {
  return {.usage = "info FILE",
          .summary = "what is in a checkpoint",
          .options = {{"file", "FILE", "checkpoint, or a run's folder", Option::Kind::positional}},
          .more_help = "",
          .command = info_command};
}

}  // namespace

const std::map<std::string, Verb>& verbs() {
  static const std::map<std::string, Verb> all{{"train", train_verb()},
                                               {"generate", generate_verb()},
                                               {"evaluate", evaluate_verb()},
                                               {"info", info_verb()}};
  return all;
}

}  // namespace microgpt::cli
