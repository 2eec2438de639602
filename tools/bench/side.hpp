// One side of a comparison: a shape trained by so many threads.
#pragma once

#include <string>
#include <vector>

#include "shapes.hpp"
#include "training/data_parallel.hpp"

namespace microgpt::bench {

/// What some steps of a side came to.
struct Measurement {
  double seconds = 0;
  double documents = 0;
  double tokens = 0;

  [[nodiscard]] double seconds_per_document() const { return seconds / documents; }
  [[nodiscard]] double tokens_per_second() const { return tokens / seconds; }
};

class Side {
 public:
  Side(const Shape& shape, const Documents& documents, int threads);

  [[nodiscard]] int threads() const { return threads_; }

  /// Trains for about so many seconds, one step at least.
  Measurement train(double seconds);

  /// The same with the time of each phase, in shares of all threads' time: forward, backward,
  /// all-reduce, Adam; the rest is waiting.
  WorkerProfile profile(double seconds);

 private:
  void step(Measurement& done);

  const Documents& documents_;
  std::size_t batch_size_;
  int threads_;
  std::size_t next_document_ = 0;
  ModelState<float> state_;
  DataParallelEngine<float> engine_;
};

}  // namespace microgpt::bench
