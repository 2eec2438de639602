// The two ways in which microgpt fails, and the echo of both in other processes. Everything that
// the library throws is one of them, but std::bad_alloc, and std::out_of_range for a programmer's
// mistake. The command line turns each into an exit code, and the first two into one line on
// stderr.
#pragma once

#include <exception>
#include <stdexcept>

namespace microgpt {

/// The caller's input is at fault: usage, config, dataset, checkpoint. The message names the file
/// and the line or key, and says what to do. Exit code 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A checkpoint whose bytes are not those that were written: cut off, or changed since.
class DamagedCheckpoint : public InputError {
 public:
  using InputError::InputError;
};

/// The work failed while running: a full disk, a vanished folder, a loss that is not finite.
/// Exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Another process of the group has failed, all end with it, and that one says why: this one is to
/// end in silence, with the same exit code.
class EndedElsewhere : public std::exception {
 public:
  explicit EndedElsewhere(int exit_code) : exit_code_(exit_code) {}
  [[nodiscard]] int exit_code() const { return exit_code_; }
  [[nodiscard]] const char* what() const noexcept override { return "another process has failed"; }

 private:
  int exit_code_;
};

}  // namespace microgpt
