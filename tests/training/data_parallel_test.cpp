// The gradient of a step, against that of each document on its own.
#include "training/data_parallel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "model/tiny_model.hpp"
#include "training/support.hpp"

namespace microgpt {
namespace {

constexpr kernels::AdamStep kFirstStep = test::first_adam_step(0.01, 0.1);
// Leaves the parameters as they are.
constexpr kernels::AdamStep kNoUpdate = test::first_adam_step(0, 0);

double norm_of(const std::vector<double>& gradient) {
  return std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
}

class DataParallelTest : public EachShape {
 protected:
  // More positions than a worker packs at a time, so that lanes have several pieces.
  static constexpr int kDocuments = 150;

  [[nodiscard]] static ModelState<double> new_state(const TinyModel<double>& model) {
    ModelState<double> state(model.layout);
    std::ranges::copy(model.parameters.values(), state.parameters.data());
    return state;
  }

  // The gradient of the mean loss, one document after the other.
  [[nodiscard]] LossesAndGradient<double> expected(const TinyModel<double>& model,
                                                   std::span<const Document> batch) const {
    LossesAndGradient<double> sum{{}, std::vector<double>(model.parameters.size())};
    for (std::size_t d = 0; d < batch.size(); ++d) {
      const auto [losses, gradient] = model.gradient({documents_.stream, batch.subspan(d, 1)},
                                                     1.0 / static_cast<double>(batch.size()));
      sum.losses.push_back(losses[0]);
      for (std::size_t i = 0; i < gradient.size(); ++i) sum.gradient[i] += gradient[i];
    }
    return sum;
  }

  // The first update has left `share` of the gradient in the moments.
  static void expect_first_moments(const ModelState<double>& state,
                                   const std::vector<double>& gradient, double share = 1) {
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double m = (1 - kFirstStep.beta1) * gradient[i] * share;
      EXPECT_NEAR(state.m.data()[i], m, 1e-12 * (1 + std::abs(m))) << i;
    }
  }

  // With the norm asked for and without.
  void expect_gradient(DataParallelEngine<double>& engine, std::span<const Document> batch) {
    const auto [losses, gradient] = expected(model_, batch);
    double loss = 0;
    for (const double one : losses) loss += one / static_cast<double>(losses.size());
    const double norm = norm_of(gradient);
    for (const double share : {1.0, 0.5}) {
      SCOPED_TRACE(std::to_string(batch.size()) + " documents, scaled to " + std::to_string(share));
      EXPECT_NEAR(engine.compute_gradient(batch).loss, loss, 1e-13 * loss);
      std::ranges::fill(state_.m.values(), 0.0);
      EXPECT_TRUE(engine.update(kNoUpdate, share < 1 ? share * norm : 0));
      expect_first_moments(state_, gradient, share);
    }
  }

  const TinyModel<double> model_{shape()};
  const RaggedDocuments documents_{shape(), kDocuments};
  ModelState<double> state_ = new_state(model_);
};

// Of batches of any size, of which none leaves anything to the next.
TEST_P(DataParallelTest, HasTheGradientOfTheMeanLoss) {
  const std::span<const Document> all(documents_.documents);
  for (const int threads : {1, 3}) {
    DataParallelEngine<double> engine(shape(), state_, documents_.stream, shape().block_size,
                                      kDocuments, threads);
    for (const std::size_t count : {150U, 1U, 7U, 64U, 150U, 2U}) {
      expect_gradient(engine, all.first(count));
    }
  }
}

// Room is for the longest document: where that is short, attention goes another way than where
// documents may be as long as the model reads.
TEST_P(DataParallelTest, HasTheSameGradientWhereTheModelReadsFurtherThanAnyDocument) {
  ModelShape far = shape();
  far.block_size += 256;
  const TinyModel<double> model(far);
  ModelState<double> state = new_state(model);
  const std::span<const Document> all(documents_.documents);
  const auto gradient = expected(model, all).gradient;
  DataParallelEngine<double> engine(far, state, documents_.stream, shape().block_size, kDocuments,
                                    2);
  engine.compute_gradient(all);
  EXPECT_TRUE(engine.update(kFirstStep));
  expect_first_moments(state, gradient);
}

// The next gradient is one of the parameters as the update has left them.
TEST_P(DataParallelTest, UpdatesTheParametersThatItReads) {
  const std::span<const Document> all(documents_.documents);
  DataParallelEngine<double> engine(shape(), state_, documents_.stream, shape().block_size,
                                    kDocuments, 2);
  const auto gradient = expected(model_, all).gradient;
  engine.compute_gradient(all);
  EXPECT_TRUE(engine.update(kFirstStep));
  expect_first_moments(state_, gradient);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    EXPECT_NE(state_.parameters.data()[i], model_.parameters.data()[i]) << i;
  }

  TinyModel<double> updated(shape());
  std::ranges::copy(state_.parameters.values(), updated.parameters.data());
  const auto losses = updated.losses(documents_.all());
  double sum = 0;
  std::int64_t positions = 0;
  for (std::size_t d = 0; d < losses.size(); ++d) {
    sum += losses[d] * static_cast<double>(all[d].length);
    positions += all[d].length;
  }
  const double mean = sum / static_cast<double>(positions);
  EXPECT_NEAR(engine.evaluate(all), mean, 1e-13 * mean);
}

// Where the norm has to be known before the update, and where it need not be.
TEST_P(DataParallelTest, UpdatesTheSameWhetherTheNormComesFirst) {
  const std::span<const Document> all(documents_.documents);
  for (const int threads : {1, 3}) {
    std::vector<std::string> bytes;
    for (const double grad_clip : {0.0, 1e9}) {
      ModelState<double> state = new_state(model_);
      DataParallelEngine<double> engine(shape(), state, documents_.stream, shape().block_size,
                                        kDocuments, threads);
      for (const std::size_t count : {150U, 7U, 1U}) {
        engine.compute_gradient(all.first(count));
        EXPECT_TRUE(engine.update(kFirstStep, grad_clip));
      }
      bytes.push_back(test::bytes_of(state));
    }
    EXPECT_EQ(bytes[0], bytes[1]) << threads << " threads";
  }
}

TEST_P(DataParallelTest, ScalesALargeGradientToTheNormAskedFor) {
  const std::span<const Document> all(documents_.documents);
  const auto gradient = expected(model_, all).gradient;
  DataParallelEngine<double> engine(shape(), state_, documents_.stream, shape().block_size,
                                    kDocuments, 2);
  engine.compute_gradient(all);
  EXPECT_TRUE(engine.update(kFirstStep, norm_of(gradient) / 2));
  expect_first_moments(state_, gradient, 0.5);
}

// Where the norm has to be known first, such a gradient reaches nothing.
TEST_P(DataParallelTest, SaysThatAGradientIsNotFinite) {
  const std::span<const Document> all(documents_.documents);
  state_.parameters.values().back() = std::numeric_limits<double>::quiet_NaN();
  const std::string before = test::bytes_of(state_);
  DataParallelEngine<double> engine(shape(), state_, documents_.stream, shape().block_size,
                                    kDocuments, 2);
  engine.compute_gradient(all);
  EXPECT_FALSE(engine.update(kFirstStep, 1));
  EXPECT_EQ(test::bytes_of(state_), before);
  engine.compute_gradient(all);
  EXPECT_FALSE(engine.update(kFirstStep));
}

INSTANTIATE_TEST_SUITE_P(Shapes, DataParallelTest, ::testing::ValuesIn(kShapes), shape_name);

}  // namespace
}  // namespace microgpt
