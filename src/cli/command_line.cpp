#include "cli/command_line.hpp"

// An option that may be repeated is not cut at commas: file names may hold them.
#define CXXOPTS_VECTOR_DELIMITER '\0'
#include <fmt/format.h>
#include <oneapi/tbb/info.h>

#include <charconv>
#include <cmath>
#include <cxxopts.hpp>
#include <map>
#include <optional>

#include "microgpt/config.hpp"
#include "microgpt/error.hpp"
#include "microgpt/process_group.hpp"
#include "microgpt/version.hpp"

namespace microgpt::cli {
namespace {

constexpr std::int64_t kMaxThreads = 4096;
constexpr std::int64_t kMaxCount = 1'000'000'000;

using Arguments = std::vector<std::string>;

// A verb: its options, its help, and what becomes of the parsed options.
struct Verb {
  std::string usage;
  std::string summary;
  void (*add_options)(cxxopts::Options& options);
  Command (*build)(const cxxopts::ParseResult& parsed);
};

std::optional<std::string> text_of(const cxxopts::ParseResult& parsed, const std::string& name) {
  if (parsed.count(name) == 0) return std::nullopt;
  const auto text = parsed[name].as<std::string>();
  if (text.empty()) throw InputError(fmt::format("--{}: the value is empty", name));
  return text;
}

std::string required_text(const cxxopts::ParseResult& parsed, const std::string& name,
                          const std::string& what) {
  if (auto text = text_of(parsed, name)) return *text;
  throw InputError(fmt::format("give {}; see --help", what));
}

template <class Number>
std::optional<Number> parse_whole(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> whole_number(const cxxopts::ParseResult& parsed,
                                         const std::string& name, std::int64_t lowest,
                                         std::int64_t highest) {
  const auto text = text_of(parsed, name);
  if (!text) return std::nullopt;
  const auto number = parse_whole<std::int64_t>(*text);
  if (!number || *number < lowest || *number > highest) {
    throw InputError(
        fmt::format("--{} {}: must be a whole number from {} to {}", name, *text, lowest, highest));
  }
  return number;
}

std::optional<int> threads_of(const cxxopts::ParseResult& parsed) {
  const auto given = whole_number(parsed, "threads", 1, kMaxThreads);
  if (!given) return std::nullopt;
  return static_cast<int>(*given);
}

// ---- train

void add_train_options(cxxopts::Options& options) {
  options.add_options()("config", "config file, or the name of one in configs/",
                        cxxopts::value<std::string>(), "FILE")(
      "resume", "go on from a checkpoint, or from the newest of a run's folder",
      cxxopts::value<std::string>(), "PATH")("set", "override a config key; may be repeated",
                                             cxxopts::value<std::vector<std::string>>(),
                                             "KEY=VALUE");
  options.add_options()(
      "threads",
      "workers, 1 to 4096, of each process; the result does not depend on it (default: every core)",
      cxxopts::value<std::string>(),
      "N")("out", "folder of the run (default: the first free of runs/NAME-1, runs/NAME-2, ...)",
           cxxopts::value<std::string>(),
           "DIR")("overwrite", "let the run replace what a former one left in its folder")(
      "quiet", "print nothing but warnings and errors")(
      "print-config", "print the effective config, with where each value came from, and exit")(
      "mpi", "start MPI even where the environment shows no launcher (mpirun, srun)");
}

Command build_train(const cxxopts::ParseResult& parsed) {
  TrainOptions options{.config = text_of(parsed, "config"),
                       .resume = text_of(parsed, "resume"),
                       .overrides = {},
                       .threads = threads_of(parsed),
                       .out = text_of(parsed, "out"),
                       .overwrite = parsed.count("overwrite") > 0,
                       .quiet = parsed.count("quiet") > 0,
                       .print_config = parsed.count("print-config") > 0,
                       .start_mpi = parsed.count("mpi") > 0};
  if (parsed.count("set") > 0) options.overrides = parsed["set"].as<std::vector<std::string>>();
  if (options.config.has_value() == options.resume.has_value()) {
    throw InputError(options.config ? "--config and --resume: give one of them, not both"
                                    : "give --config FILE or --resume PATH; see --help");
  }
  return options;
}

std::string config_help() {
  std::string text = "\nKeys of a config (and of --set), with their defaults:\n";
  for (const KeyDescription& key : describe_keys()) {
    text += fmt::format("  {:<21}{:<14}{}\n", key.name, key.default_value, key.meaning);
  }
  return text;
}

// ---- generate

void add_generate_options(cxxopts::Options& options) {
  options.add_options()("checkpoint", "checkpoint to draw from, or a run's folder",
                        cxxopts::value<std::string>(), "FILE")(
      "n", "samples (default: 20, of a text model 1)", cxxopts::value<std::string>(), "N")(
      "temperature", "above 0; lower is safer, higher is bolder (default: the run's)",
      cxxopts::value<std::string>(),
      "T")("prompt", "text to continue", cxxopts::value<std::string>(), "TEXT")(
      "length", "characters of a text model's sample; for others the most (default: 500)",
      cxxopts::value<std::string>(),
      "N")("seed", "the same seed draws the same samples (default: the run's)",
           cxxopts::value<std::string>(), "N");
}

std::optional<double> temperature_of(const cxxopts::ParseResult& parsed) {
  const auto text = text_of(parsed, "temperature");
  if (!text) return std::nullopt;
  double number = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stopped != end || !std::isfinite(number) || number <= 0) {
    throw InputError(fmt::format("--temperature {}: must be a number above 0", *text));
  }
  return number;
}

Command build_generate(const cxxopts::ParseResult& parsed) {
  return GenerateOptions{
      .checkpoint = required_text(parsed, "checkpoint", "--checkpoint FILE"),
      .count = whole_number(parsed, "n", 1, kMaxCount),
      .temperature = temperature_of(parsed),
      .seed = whole_number(parsed, "seed", 0, INT64_MAX),
      .prompt = parsed.count("prompt") > 0 ? parsed["prompt"].as<std::string>() : "",
      .length = whole_number(parsed, "length", 1, kMaxCount).value_or(500)};
}

// ---- evaluate, info

void add_evaluate_options(cxxopts::Options& options) {
  options.add_options()("checkpoint", "checkpoint to evaluate, or a run's folder",
                        cxxopts::value<std::string>(),
                        "FILE")("data", "text file, read as the model's own dataset was",
                                cxxopts::value<std::string>(), "FILE")(
      "threads", "workers, 1 to 4096 (default: every core)", cxxopts::value<std::string>(), "N");
}

Command build_evaluate(const cxxopts::ParseResult& parsed) {
  return EvaluateOptions{
      .checkpoint = required_text(parsed, "checkpoint", "--checkpoint FILE"),
      .data = required_text(parsed, "data", "--data FILE"),
      .threads = threads_of(parsed).value_or(oneapi::tbb::info::default_concurrency())};
}

void add_info_options(cxxopts::Options& options) {
  options.add_options()("file", "checkpoint, or a run's folder", cxxopts::value<std::string>(),
                        "FILE");
  options.parse_positional({"file"});
  options.positional_help("FILE");
}

Command build_info(const cxxopts::ParseResult& parsed) {
  return InfoOptions{.file = required_text(parsed, "file", "a checkpoint: microgpt info FILE")};
}

const std::map<std::string, Verb>& verbs() {
  static const std::map<std::string, Verb> all{
      {"train",
       {"[train] --config FILE | --resume PATH [options]", "train a model, or go on training it",
        add_train_options, build_train}},
      {"generate",
       {"generate --checkpoint FILE [options]", "draw samples from a checkpoint",
        add_generate_options, build_generate}},
      {"evaluate",
       {"evaluate --checkpoint FILE --data FILE", "the loss of a checkpoint on a text file",
        add_evaluate_options, build_evaluate}},
      {"info", {"info FILE", "what is in a checkpoint", add_info_options, build_info}}};
  return all;
}

std::string option_help(const cxxopts::HelpOptionDetails& option) {
  std::string names = option.s.empty() ? "" : "-" + option.s;
  for (const std::string& name : option.l) names += (names.empty() ? "--" : ", --") + name;
  if (!option.arg_help.empty()) names += " " + option.arg_help;
  return fmt::format("  {:<20} {}\n", names, option.desc);
}

std::string help_of(const std::string& name, const Verb& verb, const cxxopts::Options& options) {
  std::string text = fmt::format("microgpt {} - {}\n\nUsage:\n  microgpt {}\n\nOptions:\n", name,
                                 verb.summary, verb.usage);
  for (const std::string& group : options.groups()) {
    for (const auto& option : options.group_help(group).options) text += option_help(option);
  }
  return name == "train" ? text + config_help() : text;
}

std::string overview() {
  std::string text =
      "microgpt - a data-parallel trainer for the tiny character-level GPT\n\nUsage:\n"
      "  microgpt --config small.cfg --threads 8\n";
  for (const auto& [name, verb] : verbs()) {
    text += fmt::format("  microgpt {:<49} {}\n", verb.usage, verb.summary);
  }
  return text +
         "  microgpt --version\n\n`microgpt VERB --help` shows a verb's options; without a verb it "
         "is "
         "train.\n";
}

Command parse_verb(const std::string& name, const Verb& verb, const Arguments& arguments) {
  cxxopts::Options options("microgpt");
  verb.add_options(options);
  options.add_options()("h,help", "print this and exit");

  std::vector<const char*> argv{"microgpt"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  try {
    const auto parsed = options.parse(static_cast<int>(argv.size()), argv.data());
    if (parsed.count("help") > 0) return PrintText{help_of(name, verb, options)};
    if (!parsed.unmatched().empty()) {
      throw InputError(fmt::format("'{}' is not an option of {}; see microgpt {} --help",
                                   parsed.unmatched().front(), name, name));
    }
    return verb.build(parsed);
  } catch (const cxxopts::exceptions::exception& error) {
    throw InputError(fmt::format("{}; see microgpt {} --help", error.what(), name));
  }
}

}  // namespace

Command parse_command_line(const Arguments& arguments) {
  if (arguments.empty()) throw InputError("give --config FILE or --resume PATH; see --help");
  const std::string& first = arguments.front();
  if (first == "--help" || first == "-h") return PrintText{overview()};
  if (first == "--version")
    return PrintText{fmt::format("microgpt {} ({}; {})\n", program_version(), build_description(),
                                 mpi_description())};
  if (first.starts_with('-')) return parse_verb("train", verbs().at("train"), arguments);
  const auto verb = verbs().find(first);
  if (verb == verbs().end()) {
    throw InputError(fmt::format(
        "'{}' is not a verb; they are train, generate, evaluate and info; see --help", first));
  }
  return parse_verb(first, verb->second, Arguments(arguments.begin() + 1, arguments.end()));
}

}  // namespace microgpt::cli
