#include "distributed/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>

#include "base/sha256.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

// In the order of exit codes; 0 means that nothing failed.
constexpr std::int64_t kRunError = 1;
constexpr std::int64_t kInputError = 2;

std::int64_t exit_code_of(const std::exception_ptr& failure) {
  if (!failure) return 0;
  try {
    std::rethrow_exception(failure);
  } catch (const InputError&) {
    return kInputError;
  } catch (...) {
    return kRunError;
  }
}

[[noreturn]] void rethrow_as(const ProcessGroup& group, const std::exception_ptr& failure) {
  if (group.rank() == 0) std::rethrow_exception(failure);
  const std::string where = fmt::format("rank {} on {}: ", group.rank(), group.host());
  try {
    std::rethrow_exception(failure);
  } catch (const InputError& error) {
    throw InputError(where + error.what());
  } catch (const std::bad_alloc&) {
    throw RunError(where + "not enough memory");
  } catch (const std::exception& error) {
    throw RunError(where + error.what());
  }
}

// The first eight bytes of a digest: enough to tell things apart that differ by mistake.
std::int64_t fingerprint(const std::string& text) {
  Sha256 sha;
  sha.update(std::as_bytes(std::span(text)));
  const Sha256::Digest digest = sha.digest();
  std::int64_t word = 0;
  std::memcpy(&word, digest.data(), sizeof word);
  return word;
}

}  // namespace

std::vector<std::int64_t> values_of_all(ProcessGroup& group, std::int64_t value) {
  const auto size = static_cast<std::size_t>(group.size());
  std::vector<std::int64_t> values(size);
  std::vector<std::int64_t> bounds(size + 1);
  std::iota(bounds.begin(), bounds.end(), 0);
  values[static_cast<std::size_t>(group.rank())] = value;
  group.all_gather(std::as_writable_bytes(std::span(values)).data(), Unit::word, bounds);
  return values;
}

void settle(ProcessGroup& group, const std::exception_ptr& failure) {
  if (group.size() == 1) {
    if (failure) std::rethrow_exception(failure);
    return;
  }
  const auto codes = values_of_all(group, exit_code_of(failure));
  const auto first = std::ranges::find_if(codes, [](std::int64_t code) { return code != 0; });
  if (first == codes.end()) return;
  group.end_together();
  if (first - codes.begin() == group.rank()) rethrow_as(group, failure);
  throw EndedElsewhere(static_cast<int>(*first));
}

void require_common_ground(ProcessGroup& group, std::span<const CommonGround> things) {
  if (group.size() == 1) return;
  for (const CommonGround& thing : things) {
    const auto prints = values_of_all(group, fingerprint(thing.text));
    const auto other =
        std::ranges::find_if(prints, [&](std::int64_t print) { return print != prints[0]; });
    if (other == prints.end()) continue;
    // The one that differs knows its host and what it has; it speaks.
    std::exception_ptr failure;
    if (other - prints.begin() == group.rank()) {
      failure = std::make_exception_ptr(InputError(
          fmt::format("the {} here is not that of rank 0: {}; give all hosts the same {}",
                      thing.name, thing.text, thing.name)));
    }
    settle(group, failure);
  }
}

}  // namespace microgpt
