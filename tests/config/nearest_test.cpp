// The known word that a misspelt one is nearest to.
#include "config/nearest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "microgpt/config.hpp"

namespace microgpt::config {
namespace {

TEST(EditDistance, CountsEveryKindOfSlip) {
  struct Case {
    std::string_view a, b;
    std::size_t distance;
  };
  for (const auto& [a, b, distance] : {
           Case{"", "", 0},
           Case{"seed", "seed", 0},
           Case{"", "seed", 4},
           Case{"sed", "seed", 1},    // an insertion
           Case{"seeed", "seed", 1},  // a deletion
           Case{"seet", "seed", 1},   // a replacement
           Case{"sede", "seed", 1},   // a swap
           Case{"kitten", "sitting", 3},
       }) {
    EXPECT_EQ(edit_distance(a, b), distance) << a << " and " << b;
    EXPECT_EQ(edit_distance(b, a), distance) << b << " and " << a;
  }
}

TEST(Nearest, FindsTheKeyThatWasMeant) {
  const auto keys = describe_keys();
  std::vector<std::string_view> names;
  for (const KeyDescription& key : keys) names.push_back(key.name);
  struct Case {
    std::string_view typed, meant;
  };
  for (const auto& [typed, meant] : {
           Case{"learning_rat", "learning_rate"},
           Case{"n_emdb", "n_embd"},
           Case{"N_LAYER", "n_layer"},
           Case{"SEED", "seed"},
           Case{"batch-size", "batch_size"},
           Case{"block size", "block_size"},
           Case{"steps", "num_steps"},
           Case{"epochs", "num_epochs"},
           Case{"heads", "n_head"},
           Case{"batch", "batch_size"},
           Case{"eval", "eval_every"},
           Case{"decay", "weight_decay"},
           Case{"schedule", "lr_schedule"},
           Case{"beta_1", "beta1"},
           Case{"early_stopping_patience", "early_stop_patience"},
       }) {
    EXPECT_EQ(nearest(typed, names), meant) << typed;
  }
}

TEST(Nearest, NamesSomeWordForAnyText) {
  const std::vector<std::string_view> names{"seed", "dataset"};
  EXPECT_EQ(nearest("", names), "seed");
  EXPECT_EQ(nearest(std::string(1 << 20, 'x'), names), "seed");
}

}  // namespace
}  // namespace microgpt::config
