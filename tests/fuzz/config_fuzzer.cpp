// The config parser: any bytes are refused as bad input, or are a config that survives being
// written out and read again.
#include <cstdint>
#include <string_view>

#include "fuzz/require.hpp"
#include "microgpt/config.hpp"
#include "microgpt/error.hpp"

using namespace microgpt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const SourcedConfig config = parse_config(text, "fuzz.cfg", "/folder");
    validate_config(config);
    const std::string yaml = to_yaml(config.values);
    const SourcedConfig again = parse_config(yaml, "written.cfg", "/another");
    validate_config(again);
    require(to_yaml(again.values) == yaml, "a config that was written out reads back the same");
    (void)to_annotated_yaml(config);
  } catch (const InputError& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos,
            "one line of error");
  }

  SourcedConfig overridden;
  try {
    override_config(overridden, text);
  } catch (const InputError& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos,
            "one line of error");
  }
  return 0;
}
