// The verb generate: samples drawn from a checkpoint, one a line.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "microgpt/checkpoint.hpp"
#include "microgpt/generation.hpp"
#include "run/run_folder.hpp"

namespace microgpt::cli {

int generate(const GenerateOptions& options) {
  const Checkpoint checkpoint = read_checkpoint(resolve_checkpoint(options.checkpoint));
  const CheckpointInfo& info = checkpoint.info;
  const bool is_text = info.config.documents == DocumentMode::text;
  const Tokenizer tokenizer(info.code_points);
  const std::vector<Token> prompt = tokenizer.encode_text(options.prompt, "--prompt");
  const SampleOptions sample{.temperature = options.temperature.value_or(info.config.temperature),
                             .max_length = options.length,
                             .stop_at_bos = !is_text};

  PythonRandom random(static_cast<std::uint64_t>(options.seed.value_or(info.config.seed)));
  Generator generator(info.shape(), checkpoint.state, tokenizer);
  const std::int64_t count = options.count.value_or(is_text ? 1 : 20);
  for (std::int64_t i = 0; i < count; ++i) {
    print(options.prompt);
    print(generator.sample(prompt, sample, random));
    print("\n");
  }
  flush_output();
  return kDone;
}

}  // namespace microgpt::cli
