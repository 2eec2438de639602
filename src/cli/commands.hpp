// The verbs of the command line. Each takes its checked options, prints its results to stdout and
// returns the process's exit code; errors are thrown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace microgpt::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadInput = 2;

struct TrainOptions {
  std::optional<std::string> config;
  std::optional<std::string> resume;
  std::vector<std::string> overrides;  ///< key=value
  std::optional<int> threads;          ///< of each process; default: its share of the cores
  std::optional<std::string> out;
  bool overwrite = false;
  bool quiet = false;
  bool print_config = false;
  bool start_mpi = false;  ///< even where no launcher shows
};

struct GenerateOptions {
  std::string checkpoint;
  std::optional<std::int64_t> count;  ///< default: 20 lines, or 1 text
  std::optional<double> temperature;  ///< default: the run's
  std::optional<std::int64_t> seed;   ///< default: the run's
  std::string prompt;
  std::int64_t length = 500;
};

struct EvaluateOptions {
  std::string checkpoint;
  std::string data;
  int threads = 1;
};

struct InfoOptions {
  std::string file;
};

int train(const TrainOptions& options);
int generate(const GenerateOptions& options);
int evaluate(const EvaluateOptions& options);
int info(const InfoOptions& options);

}  // namespace microgpt::cli
