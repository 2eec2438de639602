#include "distributed/launcher.hpp"

#include <array>
#include <cstdlib>

#include "base/number.hpp"
#include "microgpt/process_group.hpp"

namespace microgpt {
namespace {

struct Variables {
  const char* rank;
  const char* size;
};

// The first that is set counts. srun with PMIx says no more than the rank; Slurm itself knows the
// number of processes of the step. (SLURM_PROCID alone means nothing: a batch script has it, too.)
constexpr std::array<Variables, 3> kLaunchers{{{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                               {"PMI_RANK", "PMI_SIZE"},
                                               {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}}};

std::optional<int> value_of(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? std::nullopt : number_in<int>(text);
}

}  // namespace

std::optional<Launch> detect_launch() {
  for (const Variables& variables : kLaunchers) {
    const auto rank = value_of(variables.rank);
    if (!rank) continue;
    const auto size = value_of(variables.size);
    if (size && *size == 1) return std::nullopt;
    return Launch{.rank = *rank, .size = size};
  }
  return std::nullopt;
}

int launched_rank() {
  const auto launch = detect_launch();
  return launch ? launch->rank : 0;
}

}  // namespace microgpt
