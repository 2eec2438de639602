// The configs that come with the program.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "support.hpp"

namespace microgpt {
namespace {

const std::filesystem::path kFolder = MICROGPT_CONFIGS;

// The values of a config that are not the defaults, the dataset aside.
std::map<std::string, std::string> changes(const std::string& name) {
  const auto defaults = all_values(Config{});
  std::map<std::string, std::string> changed;
  for (const auto& [key, value] : all_values(load_config(kFolder / name).values)) {
    if (key != "dataset" && value != defaults.at(key)) changed.emplace(key, value);
  }
  return changed;
}

using Values = std::map<std::string, std::string>;

TEST(ShippedConfigs, AreValidAndTrainOnTheNames) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".cfg") continue;
    SCOPED_TRACE(entry.path());
    const SourcedConfig config = load_config(entry.path());
    EXPECT_EQ(refusal([&] { validate_config(config); }), "no error");
    EXPECT_EQ(config.values.dataset, (kFolder / "../data/names.txt").lexically_normal());
    ++count;
  }
  EXPECT_GE(count, 4);
}

TEST(ShippedConfigs, SmallIsTheTutorialsModelInBatchesOfEight) {
  EXPECT_EQ(changes("small.cfg"), (Values{{"validation_fraction", "0.1"}}));
}

TEST(ShippedConfigs, MicrogptIsTheFirstRevision) {
  EXPECT_EQ(changes("microgpt.cfg"), (Values{{"batch_size", "1"}}));
}

TEST(ShippedConfigs, Microgpt2IsTheSecondRevision) {
  EXPECT_EQ(changes("microgpt-2.cfg"), (Values{{"block_size", "16"},
                                               {"activation", "relu"},
                                               {"init_std", "0.08"},
                                               {"zero_init_residual", "false"},
                                               {"num_steps", "1000"},
                                               {"batch_size", "1"},
                                               {"lr_schedule", "linear"},
                                               {"beta1", "0.85"},
                                               {"beta2", "0.99"}}));
}

TEST(ShippedConfigs, TextIsALargerModelOfOneStream) {
  const Config values = load_config(kFolder / "text.cfg").values;
  EXPECT_EQ(values.documents, DocumentMode::text);
  EXPECT_EQ(values.n_layer, 4);
  EXPECT_EQ(values.n_embd, 128);
  EXPECT_EQ(values.n_head, 4);
  EXPECT_EQ(values.block_size, 64);
  EXPECT_EQ(values.batch_size, 12);
  EXPECT_EQ(values.validation_fraction, 0.1);
}

}  // namespace
}  // namespace microgpt
