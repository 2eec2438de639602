#include "distributed/launcher.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

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

std::optional<int> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Launch> detect_launch() {
  for (const Variables& variables : kLaunchers) {
    const auto rank = number_in(variables.rank);
    if (!rank) continue;
    const auto size = number_in(variables.size);
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
