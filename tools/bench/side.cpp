#include "side.hpp"

#include <fmt/format.h>

#include "clock.hpp"
#include "microgpt/error.hpp"

namespace microgpt::bench {
namespace {

ModelState<float> initial_state(const ModelShape& model) {
  const ParameterLayout layout(model);
  ModelState<float> state(layout);
  PythonRandom random(42);
  initialize_parameters<float>(layout, 0.02, false, random, state.parameters.values());
  return state;
}

std::size_t checked_batch_size(const Shape& shape, const Documents& documents) {
  if (shape.batch_size <= std::ssize(documents.documents)) {
    return static_cast<std::size_t>(shape.batch_size);
  }
  throw InputError(fmt::format("--batch-size {}: shape {} has {} documents", shape.batch_size,
                               shape.name, documents.documents.size()));
}

}  // namespace

Side::Side(const Shape& shape, const Documents& documents, int threads)
    : documents_(documents),
      batch_size_(checked_batch_size(shape, documents)),
      threads_(threads),
      state_(initial_state(shape.model)),
      engine_(shape.model, state_, documents.stream, shape.model.block_size, shape.batch_size,
              threads) {
  train(0);  // touches all memory once
}

void Side::step(Measurement& done) {
  const kernels::AdamStep adam{.learning_rate = 1e-4,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .epsilon = 1e-8,
                               .weight_decay = 0,
                               .bias_correction1 = 0.5,
                               .bias_correction2 = 0.5};
  if (next_document_ + batch_size_ > documents_.documents.size()) next_document_ = 0;
  const auto batch = std::span(documents_.documents).subspan(next_document_, batch_size_);
  next_document_ += batch_size_;
  (void)engine_.compute_gradient(batch);
  (void)engine_.update(adam);
  done.documents += static_cast<double>(batch.size());
  done.tokens += static_cast<double>(count_positions(batch));
}

Measurement Side::train(double seconds) {
  Measurement done;
  const auto start = Clock::now();
  do {
    step(done);
    done.seconds = seconds_since(start);
  } while (done.seconds < seconds);
  return done;
}

WorkerProfile Side::profile(double seconds) {
  StepProfile profile(static_cast<std::size_t>(engine_.workers()));
  engine_.set_profile(&profile);
  const double thread_seconds = train(seconds).seconds * threads_;
  engine_.set_profile(nullptr);
  WorkerProfile shares;
  for (const WorkerProfile& worker : profile) {
    shares.forward += worker.forward / thread_seconds;
    shares.backward += worker.backward / thread_seconds;
    shares.all_reduce += worker.all_reduce / thread_seconds;
    shares.adam += worker.adam / thread_seconds;
  }
  return shares;
}

}  // namespace microgpt::bench
