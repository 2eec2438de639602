#include "distributed/mpi_process_group.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "microgpt/error.hpp"

namespace microgpt {
namespace {

void require_success(int code, std::string_view call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw RunError(
      fmt::format("{}: {}", call, std::string_view(text.data(), static_cast<std::size_t>(length))));
}

int to_int(std::int64_t units) {
  if (units > INT_MAX) throw RunError("the model is too large for one message of MPI");
  return static_cast<int>(units);
}

}  // namespace

MpiProcessGroup::MpiProcessGroup() {
  // Workers compute; only the thread that made the group talks.
  int provided = 0;
  require_success(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided),
                  "MPI_Init_thread");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  require_success(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  require_success(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
  require_success(MPI_Type_contiguous(static_cast<int>(Unit::line), MPI_BYTE, &line_),
                  "MPI_Type_contiguous");
  require_success(MPI_Type_commit(&line_), "MPI_Type_commit");
  for (Parts* parts : {&outgoing_, &incoming_}) {
    parts->counts.resize(static_cast<std::size_t>(size_));
    parts->starts.resize(static_cast<std::size_t>(size_));
  }
  look_around();
}

MpiProcessGroup::~MpiProcessGroup() {
  MPI_Type_free(&line_);
  MPI_Finalize();
}

std::string MpiProcessGroup::library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  if (MPI_Get_library_version(text.data(), &length) != MPI_SUCCESS) return "an unknown MPI";
  // "Open MPI v4.1.4, package: ..." or "MPICH Version:      4.0.2\nMPICH Release date: ..."
  std::string_view whole(text.data(), static_cast<std::size_t>(length));
  whole = whole.substr(0, whole.find_first_of(",\n"));
  std::string words;
  for (const char character : whole) {
    if (character == '\0' || character == ':') continue;
    const bool space = character == ' ' || character == '\t';
    if (!space || !words.ends_with(' ')) words += space ? ' ' : character;
  }
  return words;
}

std::string MpiProcessGroup::host() const {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  MPI_Get_processor_name(name.data(), &length);
  return {name.data(), static_cast<std::size_t>(length)};
}

// How many processes share this machine, and how many of them may share its cores: a launcher may
// have bound each to cores of its own.
void MpiProcessGroup::look_around() {
  MPI_Comm neighbours = MPI_COMM_NULL;
  require_success(
      MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &neighbours),
      "MPI_Comm_split_type");
  require_success(MPI_Comm_size(neighbours, &on_this_host_), "MPI_Comm_size");
  cpu_set_t mine;
  CPU_ZERO(&mine);
  // Of a machine with more cores than the mask has room for it says nothing: all may be shared.
  if (sched_getaffinity(0, sizeof mine, &mine) != 0) std::memset(&mine, 0xff, sizeof mine);
  std::vector<cpu_set_t> all(static_cast<std::size_t>(on_this_host_));
  require_success(
      MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE, neighbours),
      "MPI_Allgather");
  on_these_cores_ = static_cast<int>(std::ranges::count_if(all, [&](const cpu_set_t& other) {
    cpu_set_t common;
    CPU_AND(&common, &mine, &other);
    return CPU_COUNT(&common) > 0;
  }));
  on_these_cores_ = std::max(1, on_these_cores_);
  MPI_Comm_free(&neighbours);
}

MPI_Datatype MpiProcessGroup::type_of(Unit unit) const {
  return unit == Unit::word ? MPI_UINT64_T : line_;
}

void MpiProcessGroup::set_parts(std::span<const std::int64_t> bounds, Parts& parts) const {
  for (std::size_t r = 0; r < static_cast<std::size_t>(size_); ++r) {
    parts.starts[r] = to_int(bounds[r]);
    parts.counts[r] = to_int(bounds[r + 1] - bounds[r]);
  }
}

void MpiProcessGroup::all_gather(std::byte* data, Unit unit, std::span<const std::int64_t> bounds) {
  set_parts(bounds, incoming_);
  require_success(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, incoming_.counts.data(),
                                 incoming_.starts.data(), type_of(unit), MPI_COMM_WORLD),
                  "MPI_Allgatherv");
}

void MpiProcessGroup::gather(const std::byte* mine, std::byte* data, Unit unit,
                             std::span<const std::int64_t> bounds) {
  set_parts(bounds, incoming_);
  const MPI_Datatype type = type_of(unit);
  const auto own = static_cast<std::size_t>(rank_);
  require_success(
      MPI_Gatherv(rank_ == 0 ? MPI_IN_PLACE : mine, incoming_.counts[own], type, data,
                  incoming_.counts.data(), incoming_.starts.data(), type, 0, MPI_COMM_WORLD),
      "MPI_Gatherv");
}

void MpiProcessGroup::exchange(const std::byte* data, Unit unit,
                               std::span<const std::int64_t> bounds, std::span<const char> senders,
                               std::byte* received) {
  const auto own = static_cast<std::size_t>(rank_);
  set_parts(bounds, outgoing_);
  const std::int64_t length = bounds[own + 1] - bounds[own];
  if (senders[own] == 0) std::ranges::fill(outgoing_.counts, 0);
  for (std::size_t r = 0; r < static_cast<std::size_t>(size_); ++r) {
    incoming_.starts[r] = to_int(static_cast<std::int64_t>(r) * length);
    incoming_.counts[r] = senders[r] != 0 ? to_int(length) : 0;
  }
  const MPI_Datatype type = type_of(unit);
  require_success(
      MPI_Alltoallv(data, outgoing_.counts.data(), outgoing_.starts.data(), type, received,
                    incoming_.counts.data(), incoming_.starts.data(), type, MPI_COMM_WORLD),
      "MPI_Alltoallv");
}

void MpiProcessGroup::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace microgpt
