// The program: parses the command line, runs a verb, turns each failure into one line on stderr and
// an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/failure.hpp"
#include "microgpt/process_group.hpp"

namespace {

using namespace microgpt;

struct RunCommand {
  int operator()(const cli::PrintText& command) const {
    cli::print(command.text);
    cli::flush_output();
    return cli::kDone;
  }
  int operator()(const cli::TrainOptions& options) const { return cli::train(options); }
  int operator()(const cli::GenerateOptions& options) const { return cli::generate(options); }
  int operator()(const cli::EvaluateOptions& options) const { return cli::evaluate(options); }
  int operator()(const cli::InfoOptions& options) const { return cli::info(options); }
};

// Where a standard stream is closed, the next file opened would take its number, and what is
// printed would land in that file.
void open_standard_streams() {
  while (true) {
    const int lowest_free = ::open("/dev/null", O_RDWR);
    if (lowest_free > STDERR_FILENO) ::close(lowest_free);
    if (lowest_free < 0 || lowest_free >= STDERR_FILENO) return;
  }
}

// Only training is shared out to the processes that a launcher has started; of anything else the
// first one does all.
int run(const std::vector<std::string>& arguments) {
  const cli::Command command =
      cli::first_one_says([&] { return cli::parse_command_line(arguments); });
  if (launched_rank() > 0 && !std::holds_alternative<cli::TrainOptions>(command)) return cli::kDone;
  return std::visit(RunCommand{}, command);
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away, or a file that may not grow, is an error of its own with its own line,
  // not a silent death in the middle of a step.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  open_standard_streams();
  try {
    return run({argv + 1, argv + argc});
  } catch (...) {
    return cli::report_failure(std::current_exception());
  }
}
