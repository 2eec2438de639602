#include "cli/command_line.hpp"

#include <fmt/format.h>

#include "cli/options.hpp"
#include "microgpt/error.hpp"
#include "microgpt/process_group.hpp"
#include "microgpt/version.hpp"

namespace microgpt::cli {
namespace {

using Arguments = std::vector<std::string>;

std::string version() {
  return fmt::format("microgpt {} ({}; {})\n", program_version(), build_description(),
                     mpi_description());
}

std::string overview() {
  std::string text =
      "microgpt - a data-parallel trainer for the tiny character-level GPT\n\nUsage:\n"
      "  microgpt --config small.cfg --threads 8\n";
  for (const auto& [name, verb] : verbs()) {
    text += fmt::format("  microgpt {:<49} {}\n", verb.usage, verb.summary);
  }
  return text +
         "  microgpt --version\n\n"
         "`microgpt VERB --help` shows a verb's options; without a verb it is train.\n";
}

std::string help_of(const std::string& name, const Verb& verb) {
  return fmt::format("microgpt {} - {}\n\nUsage:\n  microgpt {}\n\nOptions:\n{}{}", name,
                     verb.summary, verb.usage, help_of(verb.options), verb.more_help);
}

Command parse_verb(const std::string& name, const Arguments& arguments) {
  const auto found = verbs().find(name);
  if (found == verbs().end()) {
    std::string known;
    for (const auto& [verb, description] : verbs()) known += (known.empty() ? "" : ", ") + verb;
    throw InputError(fmt::format("'{}' is not a verb; they are {}; see --help", name, known));
  }
  const Verb& verb = found->second;
  const ParsedOptions given(name, verb.options, arguments);
  if (given.asks_for_help()) return PrintText{help_of(name, verb)};
  return verb.command(given);
}

}  // namespace

Command parse_command_line(const Arguments& arguments) {
  if (arguments.empty()) throw InputError("give --config FILE or --resume PATH; see --help");
  const std::string& first = arguments.front();
  if (first == "--help" || first == "-h") return PrintText{overview()};
  if (first == "--version") return PrintText{version()};
  if (first.starts_with('-')) return parse_verb("train", arguments);
  return parse_verb(first, Arguments(arguments.begin() + 1, arguments.end()));
}

}  // namespace microgpt::cli
