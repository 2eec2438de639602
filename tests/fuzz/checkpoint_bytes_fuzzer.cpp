// The checkpoint reader on any bytes: all but the very bytes that were written are refused as bad
// input, in one line.
#include <cstdint>
#include <string_view>

#include "fuzz/fuzzed_file.hpp"
#include "fuzz/require.hpp"
#include "microgpt/checkpoint.hpp"
#include "microgpt/error.hpp"

using namespace microgpt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FuzzedFile file;
  file.replace({data, size});
  try {
    const Checkpoint checkpoint = read_checkpoint(file.path());
    require(checkpoint.info.program_version == "0.1.0" && checkpoint.info.step == 20,
            "only an unchanged seed is accepted");
  } catch (const InputError& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos,
            "one line of error");
  }
  return 0;
}
