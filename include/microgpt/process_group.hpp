// The processes that train one model together, and the few ways in which they talk to each other.
//
// Every function that is marked collective has to be called by all processes of the group, in the
// same order; it returns when this process's part is done. A group of one talks to nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace microgpt {

/// What data is counted in when it travels, in bytes.
enum class Unit : std::size_t {
  word = 8,  ///< one double, or one 64-bit integer
  line = 64  ///< one cache line: AlignedBuffer holds whole ones
};

class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;

  /// 0 .. size() - 1. Rank 0 owns the run's folder and what is printed.
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] virtual std::string host() const = 0;
  /// Of the processes of the group, this one included: those on the same machine, and those that
  /// may run on some of the same cores.
  [[nodiscard]] virtual int on_this_host() const = 0;
  [[nodiscard]] virtual int on_these_cores() const = 0;

  /// Of `data`, each process has its own part, units bounds[rank] .. bounds[rank + 1]; afterwards
  /// each has all. Collective. Throws RunError where the network fails, as the following do.
  virtual void all_gather(std::byte* data, Unit unit, std::span<const std::int64_t> bounds) = 0;

  /// The same, but only rank 0 gets all, into `data`; the part of any other is at `mine`.
  /// Collective.
  virtual void gather(const std::byte* mine, std::byte* data, Unit unit,
                      std::span<const std::int64_t> bounds) = 0;

  /// Process q gets part q, units bounds[q] .. bounds[q + 1], of the `data` of each process r with
  /// senders[r]: `received` holds size() parts of its length, in order of rank. Where a process
  /// sends nothing, its place in `received` stays as it is. Collective.
  virtual void exchange(const std::byte* data, Unit unit, std::span<const std::int64_t> bounds,
                        std::span<const char> senders, std::byte* received) = 0;

  /// Ends all processes at once, wherever they are; for what no other process can know of.
  [[noreturn]] virtual void abort(int exit_code) = 0;

  /// Whether an error may simply end this process: it is alone, or the others know of the error.
  [[nodiscard]] bool ends_together() const { return ends_together_ || size() == 1; }
  /// From now on nobody waits for anybody.
  void end_together() { ends_together_ = true; }

 private:
  bool ends_together_ = false;
};

/// A group of this process alone. Lives as long as the program.
[[nodiscard]] ProcessGroup& single_process();

/// Joins the processes that an MPI launcher (mpirun, srun) has started, if it has: MPI is
/// initialised then, and finalised when the group goes; otherwise a group of one, at no cost.
/// `start_mpi`: also where the environment does not show a launcher.
/// Throws InputError where a launcher has started several processes that cannot find each other:
/// the program was built without MPI, or for another one.
[[nodiscard]] std::unique_ptr<ProcessGroup> join_process_group(bool start_mpi = false);

/// The rank that an MPI launcher gave this process, known without MPI; 0 where there is none.
[[nodiscard]] int launched_rank();

/// The MPI that the library was built with, for instance "Open MPI v4.1.4", or "no MPI".
[[nodiscard]] std::string mpi_description();

}  // namespace microgpt
