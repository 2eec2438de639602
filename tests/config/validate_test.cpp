// Values that are fine alone and do not fit together.
#include <gtest/gtest.h>

#include "support.hpp"

namespace microgpt {
namespace {

std::string complaint_about(std::string_view yaml, std::string_view override_with = {}) {
  return refusal([=] {
    SourcedConfig config = small_config(yaml);
    if (!override_with.empty()) override_config(config, override_with);
    validate_config(config);
  });
}

TEST(ValidateConfig, AcceptsWhatFitsTogether) {
  EXPECT_EQ(complaint_about("dataset: names.txt"), "no error");
  EXPECT_EQ(complaint_about("dataset: names.txt\nn_embd: 48\nn_head: 6"), "no error");
  EXPECT_EQ(complaint_about("dataset: a\nearly_stop_patience: 3\nvalidation_fraction: 0.1"),
            "no error");
}

TEST(ValidateConfig, AsksForADataset) {
  EXPECT_EQ(complaint_about("n_embd: 16"),
            "no dataset is given: name a text file in the config (dataset: FILE) or with --set "
            "dataset=FILE");
}

TEST(ValidateConfig, WantsHeadsOfEqualSize) {
  EXPECT_EQ(complaint_about("dataset: a\nn_head: 5"),
            "n_embd 16 (default) cannot be divided by n_head 5 (small.cfg:2): change one of them");
  EXPECT_EQ(complaint_about("dataset: a\nn_head: 2", "n_embd=9"),
            "n_embd 9 (--set) cannot be divided by n_head 2 (small.cfg:2): change one of them");
}

TEST(ValidateConfig, WantsHeldOutDocumentsForEarlyStopping) {
  EXPECT_EQ(complaint_about("dataset: a\nearly_stop_patience: 3"),
            "early_stop_patience 3 (small.cfg:2) needs held-out documents, but "
            "validation_fraction 0 (default) holds none out: give it a value such as 0.1");
}

TEST(ValidateConfig, AcceptsAConfigWithoutSources) {
  SourcedConfig config;
  config.values.dataset = "/names.txt";
  config.values.n_head = 3;
  EXPECT_EQ(refusal([&] { validate_config(config); }),
            "n_embd 16 (default) cannot be divided by n_head 3 (default): change one of them");
}

}  // namespace
}  // namespace microgpt
