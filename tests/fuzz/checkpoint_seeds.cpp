// Writes the seeds of checkpoint_bytes_fuzzer into a folder: the smallest of real checkpoints.
#include <filesystem>

#include "checkpoint/small_checkpoint.hpp"

using namespace microgpt;

int main(int, char** arguments) {
  const std::filesystem::path folder = arguments[1];
  const CheckpointInfo float32 = small_info(Precision::float32);
  const CheckpointInfo float64 = small_info(Precision::float64);
  write_checkpoint(folder / "float32.h5", float32, small_state<float>(float32));
  write_checkpoint(folder / "float64.h5", float64, small_state<double>(float64));
}
