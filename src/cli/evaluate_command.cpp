// The verb evaluate: a checkpoint's loss on a text file, in nats and bits a character.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "base/file_error.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "microgpt/checkpoint.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/error.hpp"
#include "microgpt/trainer.hpp"
#include "run/run_folder.hpp"

namespace microgpt::cli {

int evaluate(const EvaluateOptions& options) {
  const Checkpoint checkpoint = read_checkpoint(resolve_checkpoint(options.checkpoint));
  const CheckpointInfo& info = checkpoint.info;
  const Dataset dataset = Dataset::load(options.data, info.config.documents, info.config.block_size,
                                        Tokenizer(info.code_points));
  const double nats = microgpt::evaluate(info.shape(), checkpoint.state, dataset, options.threads);

  if (!std::isfinite(nats)) {
    throw_about<RunError>(
        options.checkpoint,
        fmt::format("its loss on {} is not finite: its parameters are too large; use an earlier "
                    "checkpoint",
                    options.data));
  }
  print(fmt::format("documents:          {}\n", dataset.documents().size()));
  print(fmt::format("positions:          {}\n", count_positions(dataset.documents())));
  print(fmt::format("nats per character: {:.6f}\n", nats));
  print(fmt::format("bits per character: {:.6f}\n", nats / std::numbers::ln2));
  flush_output();
  return kDone;
}

}  // namespace microgpt::cli
