// A checkpoint: all that a run needs to go on as if it had never stopped, in one HDF5 file that is
// whole or absent. The format has its own page: src/checkpoint/FORMAT.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "microgpt/config.hpp"
#include "microgpt/model.hpp"
#include "microgpt/random.hpp"

namespace microgpt {

/// The losses so far, by completed step; what early stopping and best.h5 are decided from.
struct TrainingHistory {
  std::vector<std::int64_t> steps;
  std::vector<double> losses;
  std::vector<std::int64_t> val_steps;
  std::vector<double> val_losses;
  bool operator==(const TrainingHistory&) const = default;
};

/// Everything in a checkpoint but the numbers of the model.
struct CheckpointInfo {
  std::string program_version;
  std::string build;           ///< compiler and instruction set: bits are promised for one build
  Config config;               ///< effective: batch_size is a number
  std::int64_t step = 0;       ///< completed steps
  std::int64_t epoch = 0;      ///< completed passes over the training documents
  std::int64_t documents = 0;  ///< in the dataset, held-out ones included
  std::string dataset_sha256;  ///< of the dataset's bytes, 64 hexadecimal digits
  std::int64_t cursor = 0;     ///< training documents consumed since the first step
  std::vector<char32_t> code_points;  ///< token i is code_points[i]; BOS is one past the last
  PythonRandom::State random;
  TrainingHistory history;

  [[nodiscard]] ModelShape shape() const {
    return model_shape(config, static_cast<std::int64_t>(code_points.size()) + 1);
  }
};

struct Checkpoint {
  CheckpointInfo info;
  AnyModelState state;  ///< in the precision of info.config
};

/// Writes the file `path` durably: a temporary file in the same folder is written, synced, read
/// back and compared, then renamed over `path`, and the folder is synced. A failure leaves a former
/// file at `path` as it was and no temporary file.
/// Throws RunError that names the file and the system's reason.
template <class Scalar>
void write_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                      const ModelState<Scalar>& state);

/// Reads and verifies a whole checkpoint; follows links.
/// Throws InputError that names the file where it is missing, truncated, damaged (its digest does
/// not match), not a microgpt checkpoint, of a newer format_version, or at odds with itself.
[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace microgpt
