#include "cli/failure.hpp"

#include <new>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "microgpt/error.hpp"

namespace microgpt::cli {
namespace {

int fail(int exit_code, const std::string& message) {
  flush_what_arrives();  // what was printed before stands before the error
  print_to_stderr("microgpt: error: " + message);
  return exit_code;
}

}  // namespace

int report_failure(const std::exception_ptr& failure, const std::string& where) {
  try {
    std::rethrow_exception(failure);
  } catch (const EndedElsewhere& error) {
    return error.exit_code();
  } catch (const InputError& error) {
    return fail(kBadInput, where + error.what());
  } catch (const RunError& error) {
    return fail(kFailed, where + error.what());
  } catch (const std::bad_alloc&) {
    return fail(kFailed,
                where + "not enough memory; choose a smaller model, batch_size or --threads");
  } catch (const std::exception& error) {
    return fail(kFailed, where + error.what());
  }
}

}  // namespace microgpt::cli
