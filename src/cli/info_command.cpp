// The verb info: what is in a checkpoint, a field a line.
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "microgpt/checkpoint.hpp"
#include "run/run_folder.hpp"

namespace microgpt::cli {
namespace {

void print_field(std::string_view name, const std::string& value) {
  print(fmt::format("{:<12}{}\n", name, value));
}

std::string last_of(const std::vector<std::int64_t>& steps, const std::vector<double>& losses) {
  if (steps.empty()) return "none";
  return fmt::format("{} (step {})", losses.back(), steps.back());
}

}  // namespace

int info(const InfoOptions& options) {
  const auto path = resolve_checkpoint(options.file);
  const Checkpoint checkpoint = read_checkpoint(path);
  const CheckpointInfo& info = checkpoint.info;
  const ParameterLayout layout(info.shape());

  print_field("file", path.string());
  print_field("program", fmt::format("microgpt {}, {}", info.program_version, info.build));
  print_field("step", fmt::format("{}", info.step));
  print_field("epoch", fmt::format("{}", info.epoch));
  print_field("loss", last_of(info.history.steps, info.history.losses));
  print_field("val_loss", last_of(info.history.val_steps, info.history.val_losses));
  print_field("documents",
              fmt::format("{} in the dataset, {} trained on", info.documents, info.cursor));
  print_field("dataset", fmt::format("sha256 {}", info.dataset_sha256));
  print_field("vocabulary", fmt::format("{} characters and BOS", info.code_points.size()));
  print_field("parameters",
              fmt::format("{} of {}", layout.size(), config_value(info.config, "precision")));
  print("\nmodel\n");
  for (const TensorSpec& tensor : layout.tensors()) {
    print(fmt::format("  {:<20} {:>6} x {}\n", tensor.name, tensor.rows, tensor.cols));
  }
  print(fmt::format("\nconfig\n{}", to_yaml(info.config)));
  flush_output();
  return kDone;
}

}  // namespace microgpt::cli
