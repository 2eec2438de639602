#include "training/learning_rate.hpp"

#include <cmath>
#include <numbers>

namespace microgpt {

double learning_rate_at(const Config& config, std::int64_t step, std::int64_t num_steps) {
  const double progress = static_cast<double>(step) / static_cast<double>(num_steps);
  double rate = config.learning_rate;
  switch (config.lr_schedule) {
    case LrSchedule::cosine:
      rate *= 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
      break;
    case LrSchedule::linear:
      rate *= 1.0 - progress;
      break;
    case LrSchedule::constant:
      break;
  }
  if (step < config.warmup_steps) {
    rate *= static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps);
  }
  return rate;
}

}  // namespace microgpt
