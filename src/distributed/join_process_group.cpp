// Whether this process is alone or one of several, by what its launcher has told it.
#include <fmt/format.h>

#include "distributed/launcher.hpp"
#include "distributed/single_process.hpp"
#include "microgpt/error.hpp"

#ifdef MICROGPT_WITH_MPI
#include "distributed/mpi_process_group.hpp"
#endif

namespace microgpt {

#ifdef MICROGPT_WITH_MPI

std::unique_ptr<ProcessGroup> join_process_group(bool start_mpi) {
  const auto launch = detect_launch();
  if (!launch && !start_mpi) return std::make_unique<SingleProcess>();
  auto group = std::make_unique<MpiProcessGroup>();
  if (launch && launch->size && *launch->size != group->size()) {
    throw InputError(fmt::format(
        "a launcher has started {} processes, but {}, which this program was built with, sees {}: "
        "start it with the mpirun of that MPI (with Slurm: srun --mpi=...)",
        *launch->size, mpi_description(), group->size()));
  }
  return group;
}

std::string mpi_description() { return MpiProcessGroup::library(); }

#else

std::unique_ptr<ProcessGroup> join_process_group(bool start_mpi) {
  if (start_mpi || detect_launch()) {
    throw InputError(
        "several processes (mpirun, srun, --mpi), but this program was built without MPI: "
        "install it (libopenmpi-dev) and configure with -DMICROGPT_MPI=ON");
  }
  return std::make_unique<SingleProcess>();
}

std::string mpi_description() { return "no MPI"; }

#endif

}  // namespace microgpt
