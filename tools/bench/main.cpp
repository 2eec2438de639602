// How long a training step takes, for each shape and number of threads, and what share that is of
// what one core could do.
//
// Each shape is one Google Benchmark whose iterations are rounds: in a round all sides of the shape
// (one thread, two threads, …) train one after the other for some milliseconds, with the rate of
// fused multiply-adds measured between them, of one thread and of as many as the side has. A share
// or a ratio is taken within its round, so that a noisy machine disturbs both of its sides; the
// table gives medians and tenths over the rounds, and medians over those in which nobody else was
// on the cores.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cxxopts.hpp>
#include <exception>
#include <fstream>
#include <memory>
#include <thread>

#include "machine.hpp"
#include "microgpt/error.hpp"
#include "results.hpp"
#include "shapes.hpp"
#include "side.hpp"

namespace {

using namespace microgpt;
using namespace microgpt::bench;

constexpr int kMaxThreads = 4096;
constexpr double kMaxSeconds = 3600;

struct Options {
  std::vector<std::string> shapes;
  std::vector<int> threads;
  std::int64_t batch_size;  // 0: the shape's own
  std::int64_t rounds;
  double seconds;  // of training, a side and round
  std::string names;
  std::string json;  // empty: no file
};

// Rounds of all sides of one shape; appends a row for each side.
void measure(benchmark::State& state, const Shape& shape, const Options& options,
             Results& results) {
  const Documents documents = make_documents(shape, options.names);
  std::vector<std::unique_ptr<Side>> sides;
  std::vector<Result> rows;
  for (const int threads : options.threads) {
    sides.push_back(std::make_unique<Side>(shape, documents, threads));
    rows.push_back({.shape = shape.name,
                    .threads = threads,
                    .flops_per_token = flops_per_token(shape.model),
                    .us_per_document = {},
                    .tokens_per_second = {},
                    .share_of_core = {},
                    .speed_up = {},
                    .machine_speed_up = {},
                    .line_transfer = {},
                    .room = {},
                    .phases = {}});
  }

  for (auto _ : state) {
    double rate_before = fma_rate();
    double first_side = 0;
    double room_of_first_side = 1;
    for (std::size_t s = 0; s < sides.size(); ++s) {
      const double room_before = room_beside_multiply_adds(sides[s]->threads());
      const Measurement done = sides[s]->train(options.seconds);
      const double rate_after = fma_rate();
      const double rate = (rate_before + rate_after) / 2;
      rate_before = rate_after;
      results.fma_rate.add(rate);
      const double room = std::min(room_before, room_beside_multiply_adds(sides[s]->threads()));
      if (s == 0) {
        first_side = done.seconds_per_document();
        room_of_first_side = room;
      }
      Result& row = rows[s];
      row.us_per_document.add(done.seconds_per_document() * 1e6);
      row.tokens_per_second.add(done.tokens_per_second());
      row.share_of_core.add(done.tokens_per_second() * row.flops_per_token / rate);
      row.speed_up.add(first_side / done.seconds_per_document());
      row.room.add(std::min(room, room_of_first_side));
      if (row.threads > 1) {
        row.machine_speed_up.add(fma_rate_together(row.threads) / rate);
        row.line_transfer.add(line_from_another_core());
      }
    }
    state.SetIterationTime(first_side * static_cast<double>(shape.batch_size));
  }
  for (std::size_t s = 0; s < sides.size(); ++s) {
    rows[s].phases = sides[s]->profile(2 * options.seconds);
    results.rows.push_back(rows[s]);
  }
}

Options parse(int argc, char** argv) {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<int> threads{1};
  while (threads.back() * 2 <= cores) threads.push_back(threads.back() * 2);
  cxxopts::Options description("microgpt_bench", "Times training steps.");
  description.add_options()                                                                       //
      ("shapes", "which of A, A1, B, C, D, E, F, G", cxxopts::value<std::vector<std::string>>())  //
      ("threads", "numbers of threads; the first is what speed-ups are relative to",
       cxxopts::value<std::vector<int>>())  //
      ("batch-size", "documents a step, instead of the shapes' own",
       cxxopts::value<std::int64_t>()->default_value("0"))                                     //
      ("rounds", "rounds of each shape", cxxopts::value<std::int64_t>()->default_value("15"))  //
      ("seconds", "of training, for each side in each round",
       cxxopts::value<double>()->default_value("0.1"))  //
      ("names", "file of names, one a line",
       cxxopts::value<std::string>()->default_value(MICROGPT_NAMES))  //
      ("json", "write everything to this file",
       cxxopts::value<std::string>()->default_value(""))  //
      ("h,help", "print this");
  const auto parsed = description.parse(argc, argv);
  if (parsed.count("help") > 0) {
    fmt::print("{}", description.help());
    std::exit(0);
  }
  if (!parsed.unmatched().empty()) {
    throw InputError(parsed.unmatched().front() + ": not an option; see --help");
  }
  Options options{.shapes = {},
                  .threads = threads,
                  .batch_size = parsed["batch-size"].as<std::int64_t>(),
                  .rounds = parsed["rounds"].as<std::int64_t>(),
                  .seconds = parsed["seconds"].as<double>(),
                  .names = parsed["names"].as<std::string>(),
                  .json = parsed["json"].as<std::string>()};
  if (parsed.count("threads") > 0) options.threads = parsed["threads"].as<std::vector<int>>();
  if (parsed.count("shapes") > 0) {
    options.shapes = parsed["shapes"].as<std::vector<std::string>>();
  } else {
    for (const Shape& shape : shapes()) options.shapes.push_back(shape.name);
  }
  if (std::ranges::min(options.threads) < 1 || std::ranges::max(options.threads) > kMaxThreads) {
    throw InputError(fmt::format("--threads: each number must be 1 to {}", kMaxThreads));
  }
  if (options.batch_size < 0) throw InputError("--batch-size must be 0 or more");
  if (options.rounds < 1) throw InputError("--rounds must be 1 or more");
  if (!(options.seconds > 0 && options.seconds <= kMaxSeconds)) {
    throw InputError(fmt::format("--seconds must be above 0 and at most {}", kMaxSeconds));
  }
  return options;
}

void require_writable(const std::string& file) {
  if (!std::ofstream(file, std::ios::app)) {
    throw InputError(file + ": cannot be written; give --json another file");
  }
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (!options.json.empty()) require_writable(options.json);

  Results results;
  for (const int threads : options.threads) {
    if (threads > 1) results.handing_over.push_back({threads, handing_over(threads)});
  }
  for (const std::string& name : options.shapes) {
    Shape shape = shape_named(name);
    if (options.batch_size > 0) shape.batch_size = options.batch_size;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [shape, &options, &results](benchmark::State& state) {
                                   measure(state, shape, options, results);
                                 })
        ->UseManualTime()
        ->Iterations(options.rounds);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();

  fmt::print("\n{}", to_table(results));
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << to_json(results);
    if (!file.flush()) throw RunError(options.json + ": cannot be written");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const RunError& error) {
    fmt::print(stderr, "microgpt_bench: error: {}\n", error.what());
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "microgpt_bench: error: {}\n", error.what());
    return 2;
  }
}
