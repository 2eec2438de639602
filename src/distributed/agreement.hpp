// How processes find out together that something went wrong in one of them, so that all end, at the
// same place, and one of them says why.
#pragma once

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "microgpt/process_group.hpp"

namespace microgpt {

/// The value of each process, by rank. Collective.
[[nodiscard]] std::vector<std::int64_t> values_of_all(ProcessGroup& group, std::int64_t value);

/// Returns if no process has a failure. Otherwise all throw: the lowest rank that has one its own
/// (as the same kind of error, with the rank named unless it is 0), the others EndedElsewhere.
/// Collective.
void settle(ProcessGroup& group, const std::exception_ptr& failure);

/// Does this process's share of something that can fail and returns its result, once all processes
/// have done theirs; throws as settle() does. `work` itself must not be collective.
template <class Work>
auto together(ProcessGroup& group, Work&& work) {
  using Result = std::invoke_result_t<Work>;
  std::exception_ptr failure;
  if constexpr (std::is_void_v<Result>) {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    settle(group, failure);
  } else {
    std::optional<Result> result;
    try {
      result.emplace(work());
    } catch (...) {
      failure = std::current_exception();
    }
    settle(group, failure);
    return std::move(*result);
  }
}

/// Something that every process has to have alike.
struct CommonGround {
  std::string name;  ///< "config"
  std::string text;  ///< the thing itself, or its digest
};

/// Throws InputError, in all processes, where one has something else than rank 0: its line names
/// host and thing. Collective.
void require_common_ground(ProcessGroup& group, std::span<const CommonGround> things);

}  // namespace microgpt
