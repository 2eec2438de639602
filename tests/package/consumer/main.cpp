// The library as another project uses it: trains a few steps and looks at the loss.
#include <atomic>
#include <iostream>
#include <microgpt/config.hpp>
#include <microgpt/dataset.hpp>
#include <microgpt/trainer.hpp>

namespace {

class LossKeeper : public microgpt::TrainingObserver {
 public:
  void on_step(const microgpt::StepReport& report) override { last_loss = report.loss; }
  void on_checkpoint(const microgpt::CheckpointInfo&, const microgpt::AnyModelState&) override {}
  double last_loss = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  microgpt::Config config = microgpt::load_config(argv[1]).values;
  config.num_steps = 20;
  const auto dataset = microgpt::Dataset::load(config.dataset, config.documents, config.block_size);
  microgpt::Trainer trainer(config, dataset, 2);
  LossKeeper keeper;
  const std::atomic<int> stop{0};
  trainer.run(keeper, stop);
  std::cout << "loss after 20 steps: " << keeper.last_loss << '\n';
  return keeper.last_loss > 0 && keeper.last_loss < 4 ? 0 : 1;
}
