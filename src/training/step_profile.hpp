// Where the time of training steps goes. Measured only for an engine that was given a profile;
// otherwise a timer is one comparison.
#pragma once

#include <chrono>
#include <vector>

#include "microgpt/aligned_buffer.hpp"

namespace microgpt {

/// Seconds that one worker has spent. What is left of the steps' time it has waited.
struct alignas(line_memory::kCacheLine) WorkerProfile {
  double forward = 0;
  double backward = 0;
  double all_reduce = 0;
  double adam = 0;
};

/// One entry a worker.
using StepProfile = std::vector<WorkerProfile>;

/// Adds the time from its construction to its destruction to one entry of a profile, if there is
/// one.
class PhaseTimer {
 public:
  using Clock = std::chrono::steady_clock;

  PhaseTimer(StepProfile* profile, int worker, double WorkerProfile::*phase)
      : seconds_(profile == nullptr ? nullptr
                                    : &((*profile)[static_cast<std::size_t>(worker)].*phase)) {
    if (seconds_ != nullptr) start_ = Clock::now();
  }
  ~PhaseTimer() {
    if (seconds_ != nullptr) {
      *seconds_ += std::chrono::duration<double>(Clock::now() - start_).count();
    }
  }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  double* seconds_;
  Clock::time_point start_;
};

}  // namespace microgpt
