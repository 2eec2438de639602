// What a run of the benchmark has found, as a table for people and as JSON.
#pragma once

#include <string>
#include <vector>

#include "training/step_profile.hpp"

namespace microgpt::bench {

/// A number that was measured several times.
struct Samples {
  std::vector<double> values;

  void add(double value) { values.push_back(value); }
  /// The value at so large a part of them in rising order, 0 to 1. Of one value at least.
  [[nodiscard]] double quantile(double part) const;
  [[nodiscard]] double median() const { return quantile(0.5); }
};

/// One row: a shape and a number of threads.
struct Result {
  std::string shape;
  int threads = 0;
  double flops_per_token = 0;
  Samples us_per_document;
  Samples tokens_per_second;
  Samples share_of_core;     ///< of the rate of fused multiply-adds just before and after
  Samples speed_up;          ///< documents a second over those of the shape's first side
  Samples machine_speed_up;  ///< of nothing but multiply-adds; empty for one thread
  Samples line_transfer;     ///< seconds a line from another core; empty for one thread
  Samples room;  ///< beside multiply-adds, just before and after this side and the first: the least
  WorkerProfile phases;  ///< shares of all threads' time
};

struct Results {
  Samples fma_rate;  ///< one core's, floating-point operations a second
  struct HandingOver {
    int threads;
    double seconds;
  };
  std::vector<HandingOver> handing_over;  ///< what a phase costs beside its work
  std::vector<Result> rows;
};

[[nodiscard]] std::string to_table(const Results& results);
[[nodiscard]] std::string to_json(const Results& results);

}  // namespace microgpt::bench
