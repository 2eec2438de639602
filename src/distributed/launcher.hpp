// What the environment tells of the launcher that started this process, without asking MPI:
// initialising it takes longer than the whole start of a run that is alone.
#pragma once

#include <optional>

namespace microgpt {

struct Launch {
  int rank = 0;
  std::optional<int> size;  ///< nothing where only MPI itself can tell
};

/// Of mpirun (Open MPI, MPICH and what descends from it) and srun (PMI-2, PMIx); nothing where none
/// of them shows, or where it has started one process only.
[[nodiscard]] std::optional<Launch> detect_launch();

}  // namespace microgpt
