// The program: parses the command line, runs a verb, turns each failure into one line on stderr and
// an exit code.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>

#include "base/printable.hpp"
#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "microgpt/error.hpp"

namespace {

using namespace microgpt;

int fail(int exit_code, std::string_view message) {
  std::fflush(stdout);  // what was printed before stands before the error
  cli::print_to_stderr("microgpt: error: " + printable(message));
  return exit_code;
}

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

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away, or a file that may not grow, is an error of its own with its own line,
  // not a silent death in the middle of a step.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  open_standard_streams();
  try {
    return std::visit(RunCommand{}, cli::parse_command_line({argv + 1, argv + argc}));
  } catch (const InputError& error) {
    return fail(cli::kBadInput, error.what());
  } catch (const RunError& error) {
    return fail(cli::kFailed, error.what());
  } catch (const std::bad_alloc&) {
    return fail(cli::kFailed, "not enough memory; choose a smaller model, batch_size or --threads");
  } catch (const std::exception& error) {
    return fail(cli::kFailed, error.what());
  }
}
