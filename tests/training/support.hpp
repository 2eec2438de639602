// Small runs for the tests of the training loop: a made-up dataset, an observer that remembers.
#pragma once

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "kernels/adam.hpp"
#include "microgpt/trainer.hpp"

namespace microgpt::test {

/// A dataset of `count` words of 1 to 12 letters, the same at each call; the file is gone again.
inline Dataset random_words(std::size_t count, std::int64_t block_size) {
  std::mt19937 random(7);
  const auto path = std::filesystem::temp_directory_path() /
                    ("microgpt-words-" + std::to_string(std::random_device{}()) + ".txt");
  {
    std::ofstream file(path);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t length = 1 + random() % 12;
      for (std::size_t c = 0; c < length; ++c) file << static_cast<char>('a' + random() % 26);
      file << '\n';
    }
  }
  Dataset dataset = Dataset::load(path, DocumentMode::lines, block_size);
  std::filesystem::remove(path);
  return dataset;
}

/// Remembers every report and, of the checkpoints, the steps and the newest.
class Recorder : public TrainingObserver {
 public:
  void on_step(const StepReport& report) override {
    reports.push_back(report);
    if (after_step) after_step(report);
  }
  void on_checkpoint(const CheckpointInfo& info, const AnyModelState& state) override {
    checkpoint_steps.push_back(info.step);
    checkpoint = copy(info, state);
  }

  std::vector<StepReport> reports;
  std::vector<std::int64_t> checkpoint_steps;
  std::optional<Checkpoint> checkpoint;
  std::function<void(const StepReport&)> after_step;

 private:
  template <class Scalar>
  static void copy_values(const AlignedBuffer<Scalar>& from, AlignedBuffer<Scalar>& to) {
    std::memcpy(to.data(), from.data(), from.size() * sizeof(Scalar));
  }
  static Checkpoint copy(const CheckpointInfo& info, const AnyModelState& state) {
    return std::visit(
        [&]<class Scalar>(const ModelState<Scalar>& model) {
          ModelState<Scalar> twin{ParameterLayout(info.shape())};
          copy_values(model.parameters, twin.parameters);
          copy_values(model.m, twin.m);
          copy_values(model.v, twin.v);
          return Checkpoint{.info = info, .state = std::move(twin)};
        },
        state);
  }
};

/// Adam's first step.
constexpr kernels::AdamStep first_adam_step(double learning_rate, double weight_decay,
                                            double epsilon = 1e-8) {
  return {.learning_rate = learning_rate,
          .beta1 = 0.9,
          .beta2 = 0.95,
          .epsilon = epsilon,
          .weight_decay = weight_decay,
          .bias_correction1 = 0.1,
          .bias_correction2 = 0.05};
}

/// All bytes of the weights and both moments.
template <class Scalar>
std::string bytes_of(const ModelState<Scalar>& model) {
  std::string bytes;
  for (const auto* buffer : {&model.parameters, &model.m, &model.v}) {
    bytes.append(reinterpret_cast<const char*>(buffer->data()), buffer->size() * sizeof(Scalar));
  }
  return bytes;
}

inline std::string bytes_of(const AnyModelState& state) {
  return std::visit([](const auto& model) { return bytes_of(model); }, state);
}

inline std::vector<double> losses_of(const Recorder& recorder) {
  std::vector<double> losses;
  for (const StepReport& report : recorder.reports) losses.push_back(report.loss);
  return losses;
}

inline const std::atomic<int>& never_stop() {
  static const std::atomic<int> never{0};
  return never;
}

}  // namespace microgpt::test
