// What no key can be blamed for alone.
#include <fmt/format.h>

#include "config/key_table.hpp"
#include "microgpt/config.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using namespace config;

// "n_embd 16 (small.cfg:4)"
std::string cited(const SourcedConfig& config, std::string_view key) {
  const auto source = config.sources.find(key);
  return fmt::format("{} {} ({})", key, config_value(config.values, key),
                     source == config.sources.end() ? kDefaultSource : source->second);
}

}  // namespace

void validate_config(const SourcedConfig& config) {
  const Config& values = config.values;
  if (values.dataset.empty()) {
    throw InputError(
        "no dataset is given: name a text file in the config (dataset: FILE) or with --set "
        "dataset=FILE");
  }
  if (values.n_embd % values.n_head != 0) {
    throw InputError(fmt::format("{} cannot be divided by {}: change one of them",
                                 cited(config, "n_embd"), cited(config, "n_head")));
  }
  if (values.early_stop_patience > 0 && values.validation_fraction == 0.0) {
    throw InputError(
        fmt::format("{} needs held-out documents, but {} holds none out: give it a "
                    "value such as 0.1",
                    cited(config, "early_stop_patience"), cited(config, "validation_fraction")));
  }
}

}  // namespace microgpt
