// How long a training step takes, for the shapes of the tutorial and up, and what share that is of
// what one core could do: the rate of independent fused multiply-adds, measured in the same run.
//
// Work is counted as 6 · (12 · n_layer · n_embd² + n_embd · vocab) floating-point operations a
// token: matrix products only. Attention, norms, softmax, Adam and waiting are cost, not work.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "kernels/simd.hpp"
#include "training/data_parallel.hpp"

namespace {

using namespace microgpt;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Shape {
  std::string name;
  std::int64_t n_layer, n_embd, n_head, block_size, batch_size, vocab_size;
  std::int64_t mean_length;  // positions of a document; block_size where every window is full
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {"A", 1, 16, 4, 8, 8, 27, 7},      {"B", 1, 16, 4, 16, 16, 27, 7},
      {"C", 1, 32, 4, 16, 64, 27, 7},    {"D", 1, 64, 4, 16, 16, 27, 7},
      {"E", 1, 128, 4, 16, 16, 27, 7},   {"F", 4, 128, 4, 64, 12, 65, 64},
      {"G", 6, 384, 6, 256, 8, 65, 256},
  };
  return all;
}

// Floating-point operations a second of one core: chains of multiply-adds, enough of them to hide
// their latency. The median of some tries.
double fma_rate() {
  using Vector = kernels::Vector<float>;
  constexpr int kChains = 12;
  constexpr int kRounds = 4'000'000;
  std::vector<double> rates;
  for (int attempt = 0; attempt < 5; ++attempt) {
    Vector sums[kChains];
    for (int i = 0; i < kChains; ++i) sums[i] = Vector{} + static_cast<float>(i);
    const Vector factor = Vector{} + 0.999F;
    const auto start = Clock::now();
    for (int round = 0; round < kRounds; ++round) {
      kernels::unrolled<kChains>([&](auto i) __attribute__((always_inline)) {
        sums[i] = sums[i] * factor + factor;
      });
    }
    const double seconds = seconds_since(start);
    for (Vector& sum : sums) benchmark::DoNotOptimize(sum);
    rates.push_back(2.0 * kChains * kRounds * static_cast<double>(kernels::kLanes<float>) /
                    seconds);
  }
  std::nth_element(rates.begin(), rates.begin() + 2, rates.end());
  return rates[2];
}

// Documents of random tokens whose lengths spread around the mean as those of names do.
struct Documents {
  explicit Documents(const Shape& shape) {
    std::mt19937 random(1);
    std::normal_distribution<double> lengths(static_cast<double>(shape.mean_length), 1.5);
    constexpr int kCount = 1024;
    for (int i = 0; i < kCount; ++i) {
      const bool full = shape.mean_length == shape.block_size;
      const auto length =
          full ? shape.block_size
               : std::clamp<std::int64_t>(std::lround(lengths(random)), 3, shape.block_size);
      all.push_back({.offset = std::ssize(stream), .length = length});
      for (std::int64_t t = 0; t <= length; ++t) {
        stream.push_back(static_cast<Token>(random() % static_cast<std::size_t>(shape.vocab_size)));
      }
    }
  }
  std::vector<Token> stream;
  std::vector<Document> all;
};

void train_steps(benchmark::State& state, const Shape& shape, int threads, double peak) {
  const Documents documents(shape);
  const ModelShape model{.vocab_size = shape.vocab_size,
                         .n_layer = shape.n_layer,
                         .n_embd = shape.n_embd,
                         .n_head = shape.n_head,
                         .block_size = shape.block_size};
  const ParameterLayout layout(model);
  ModelState<float> numbers{layout};
  PythonRandom random(42);
  initialize_parameters(layout, 0.02, false, random, numbers.parameters.values());
  DataParallelEngine<float> engine(model, numbers, documents.stream, shape.batch_size, threads);
  const kernels::AdamStep adam{.learning_rate = 1e-4,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .epsilon = 1e-8,
                               .weight_decay = 0,
                               .bias_correction1 = 0.5,
                               .bias_correction2 = 0.5};
  const auto batch_size = static_cast<std::size_t>(shape.batch_size);
  std::size_t first = 0;
  std::int64_t tokens = 0;
  const auto start = Clock::now();
  for (auto _ : state) {
    const auto batch = std::span(documents.all).subspan(first, batch_size);
    benchmark::DoNotOptimize(engine.compute_gradient(batch));
    engine.update(adam);
    tokens += count_positions(batch);
    first = first + 2 * batch_size <= documents.all.size() ? first + batch_size : 0;
  }
  const double seconds = seconds_since(start);
  const double flops_per_token =
      6.0 * static_cast<double>(12 * shape.n_layer * shape.n_embd * shape.n_embd +
                                shape.n_embd * shape.vocab_size);
  const double documents_done = static_cast<double>(state.iterations() * shape.batch_size);
  const double tokens_per_second = static_cast<double>(tokens) / seconds;
  state.counters["us_per_document"] = seconds * 1e6 / documents_done;
  state.counters["tokens_per_s"] = tokens_per_second;
  state.counters["share_of_core"] = tokens_per_second * flops_per_token / peak;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const double peak = fma_rate();
  benchmark::AddCustomContext("fma_rate_of_one_core", fmt::format("{:.1f} GFLOP/s", peak / 1e9));
  for (const Shape& shape : shapes()) {
    for (const int threads : {1, 2}) {
      benchmark::RegisterBenchmark(fmt::format("{}/threads:{}", shape.name, threads).c_str(),
                                   [&shape, threads, peak](benchmark::State& state) {
                                     train_steps(state, shape, threads, peak);
                                   })
          ->UseRealTime();
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
