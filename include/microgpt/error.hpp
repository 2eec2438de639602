// The two ways in which microgpt fails. Everything that the library throws on purpose is one of
// them; the command line turns each into one line on stderr and an exit code.
#pragma once

#include <stdexcept>

namespace microgpt {

/// The caller's input is at fault: usage, config, dataset, checkpoint. The message names the file
/// and the line or key, and says what to do. Exit code 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The work failed while running: a full disk, a vanished folder, a loss that is not finite.
/// Exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace microgpt
