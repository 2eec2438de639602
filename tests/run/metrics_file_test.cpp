// The numbers of metrics.jsonl that are the file's own: times, and tokens a second.
#include "run/metrics_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/temporary_folder.hpp"

namespace microgpt {
namespace {

StepReport report_of(std::int64_t step, bool logged) {
  return {.step = step,
          .epoch = 0,
          .loss = 2.5,
          .learning_rate = 0.01,
          .positions = 30,
          .seconds = 0.5,
          .val_loss = {},
          .logged = logged};
}

std::vector<nlohmann::json> lines_of(const std::filesystem::path& file) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_bytes(file));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(MetricsFileTest, CountsTokensSinceTheLineBefore) {
  const TemporaryFolder folder;
  const auto file = folder / "metrics.jsonl";
  MetricsFile metrics(file, file, {});
  for (std::int64_t step = 1; step <= 6; ++step) metrics.add(report_of(step, step % 3 == 0));
  metrics.sync();
  const auto lines = lines_of(file);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["step"], 3);
  EXPECT_EQ(lines[1]["step"], 6);
  for (const auto& line : lines) EXPECT_EQ(line["tokens_per_second"], 60.0);
  EXPECT_LE(lines[0]["seconds"], lines[1]["seconds"]);
}

TEST(MetricsFileTest, WritesItsLinesAtTheEnd) {
  const TemporaryFolder folder;
  const auto file = folder / "metrics.jsonl";
  {
    MetricsFile metrics(file, file, {});
    metrics.add(report_of(1, true));
  }
  EXPECT_EQ(lines_of(file).size(), 1U);
}

TEST(MetricsFileTest, KeepsTheTimesOfLinesThatAreThere) {
  const TemporaryFolder folder;
  const auto file = folder / "metrics.jsonl";
  write_bytes(file,
              R"({"step":1,"epoch":0,"loss":2.5,"lr":0.01,"tokens_per_second":7.0,"seconds":3.5})"
              "\n{\"step\":2,\"epo");
  MetricsFile metrics(file, file, {report_of(1, true), report_of(2, true)});
  metrics.add(report_of(3, true));
  metrics.sync();
  const auto lines = lines_of(file);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["tokens_per_second"], 7.0);
  EXPECT_FALSE(lines[1].contains("seconds"));
  EXPECT_GE(lines[2]["seconds"], 3.5);
}

}  // namespace
}  // namespace microgpt
