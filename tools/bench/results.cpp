#include "results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "microgpt/version.hpp"

namespace microgpt::bench {
namespace {

std::string percent(double share) { return fmt::format("{:.0f}", 100 * share); }

// The range is that of eight rounds in ten.
constexpr double kLow = 0.1;
constexpr double kHigh = 0.9;

std::string median_and_range(const Samples& samples, double unit, int digits) {
  if (samples.values.empty()) return "";
  return fmt::format("{:.{}f} ({:.{}f}-{:.{}f})", samples.median() * unit, digits,
                     samples.quantile(kLow) * unit, digits, samples.quantile(kHigh) * unit, digits);
}

// The core is a side's own where it has so much room beside multiply-adds.
constexpr double kOwnCore = 0.95;

// The median over the rounds in which the cores were the row's own, and how many those were.
std::string median_alone(const Samples& samples, const Samples& room, double unit, int digits) {
  Samples alone;
  for (std::size_t round = 0; round < room.values.size(); ++round) {
    if (room.values[round] >= kOwnCore) alone.add(samples.values[round]);
  }
  if (alone.values.empty()) return "";
  return fmt::format("{:.{}f} ({})", alone.median() * unit, digits, alone.values.size());
}

double waiting(const WorkerProfile& phases) {
  return std::max(0.0, 1 - phases.forward - phases.backward - phases.all_reduce - phases.adam);
}

nlohmann::ordered_json to_json(const Samples& samples) {
  if (samples.values.empty()) return nullptr;
  return {{"median", samples.median()},
          {"low", samples.quantile(kLow)},
          {"high", samples.quantile(kHigh)},
          {"values", samples.values}};
}

}  // namespace

double Samples::quantile(double part) const {
  std::vector<double> sorted = values;
  const auto last = static_cast<double>(std::ssize(sorted) - 1);
  const auto place = sorted.begin() + std::lround(part * last);
  std::ranges::nth_element(sorted, place);
  return *place;
}

std::string to_table(const Results& results) {
  std::string text = fmt::format("{}\none core: {} GFLOP/s of fused multiply-adds\n",
                                 build_description(), median_and_range(results.fma_rate, 1e-9, 0));
  for (const Results::HandingOver& phase : results.handing_over) {
    text += fmt::format("to begin and end a phase: {:.1f} µs for {} threads\n", phase.seconds * 1e6,
                        phase.threads);
  }
  const char* const line =
      "{:5} {:>7} {:>11} {:>12} {:>8}  {:14} {:9} {:17} {:10} {:17} {:13} {:>4} {:>4} {:>4} {:>4} "
      "{:>4}\n";
  text += "\n";
  text += fmt::format(fmt::runtime(line), "shape", "threads", "µs/document", "tokens/s", "GFLOP/s",
                      "% of one core", "alone", "speed-up", "alone", "the machine's", "ns a line",
                      "fwd", "bwd", "red", "adam", "wait");
  for (const Result& row : results.rows) {
    const double tokens = row.tokens_per_second.median();
    text += fmt::format(
        fmt::runtime(line), row.shape, row.threads,
        fmt::format("{:.2f}", row.us_per_document.median()), fmt::format("{:.0f}", tokens),
        fmt::format("{:.1f}", tokens * row.flops_per_token * 1e-9),
        median_and_range(row.share_of_core, 100, 0),
        median_alone(row.share_of_core, row.room, 100, 0), median_and_range(row.speed_up, 1, 2),
        median_alone(row.speed_up, row.room, 1, 2), median_and_range(row.machine_speed_up, 1, 2),
        median_and_range(row.line_transfer, 1e9, 1), percent(row.phases.forward),
        percent(row.phases.backward), percent(row.phases.all_reduce), percent(row.phases.adam),
        percent(waiting(row.phases)));
  }
  return text;
}

std::string to_json(const Results& results) {
  nlohmann::ordered_json json{{"build", build_description()},
                              {"fma_rate_of_one_core", to_json(results.fma_rate)},
                              {"handing_over_us", nlohmann::ordered_json::object()},
                              {"results", nlohmann::ordered_json::array()}};
  for (const Results::HandingOver& phase : results.handing_over) {
    json["handing_over_us"][std::to_string(phase.threads)] = phase.seconds * 1e6;
  }
  for (const Result& row : results.rows) {
    json["results"].push_back({{"shape", row.shape},
                               {"threads", row.threads},
                               {"flops_per_token", row.flops_per_token},
                               {"us_per_document", to_json(row.us_per_document)},
                               {"tokens_per_second", to_json(row.tokens_per_second)},
                               {"share_of_core", to_json(row.share_of_core)},
                               {"speed_up", to_json(row.speed_up)},
                               {"machine_speed_up", to_json(row.machine_speed_up)},
                               {"line_transfer", to_json(row.line_transfer)},
                               {"room", to_json(row.room)},
                               {"phases",
                                {{"forward", row.phases.forward},
                                 {"backward", row.phases.backward},
                                 {"all_reduce", row.phases.all_reduce},
                                 {"adam", row.phases.adam},
                                 {"waiting", waiting(row.phases)}}}});
  }
  return json.dump(2) + "\n";
}

}  // namespace microgpt::bench
