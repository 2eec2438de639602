// The checkpoint reader behind the seal: files that HDF5 finds sound and whose seal is right, with
// objects missing, or of other types, extents and values than they should be.
//
// The input is a list of changes to a good checkpoint.
#include <fuzzer/FuzzedDataProvider.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/edited_checkpoint.hpp"
#include "fuzz/require.hpp"
#include "microgpt/error.hpp"

using namespace microgpt;

namespace {

constexpr const char* kObjects[] = {"/model",
                                    "/model/wte",
                                    "/model/lm_head",
                                    "/model/layer1.mlp_fc2",
                                    "/optimizer",
                                    "/optimizer/m",
                                    "/optimizer/v/wpe",
                                    "/tokenizer",
                                    "/data",
                                    "/random",
                                    "/tokenizer/code_points",
                                    "/random/mt19937",
                                    "/history",
                                    "/history/step",
                                    "/history/loss",
                                    "/history/val_step",
                                    "/history/val_loss"};

struct AttributeName {
  const char* object;
  const char* name;
};
constexpr AttributeName kAttributes[] = {
    {"/", "format"},          {"/", "format_version"}, {"/", "program_version"},
    {"/", "build"},           {"/", "config"},         {"/", "step"},
    {"/", "epoch"},           {"/data", "documents"},  {"/data", "sha256"},
    {"/data", "cursor"},      {"/random", "position"}, {"/random", "has_gauss_next"},
    {"/random", "gauss_next"}};

template <class Number>
void replace_by(hid_t file, const char* path, FuzzedDataProvider& input) {
  std::vector<hsize_t> extents(input.ConsumeIntegralInRange<std::size_t>(0, 3));
  std::size_t count = 1;
  for (hsize_t& extent : extents) count *= extent = input.ConsumeIntegralInRange<hsize_t>(0, 20);
  std::vector<Number> values(count);
  for (Number& value : values) {
    if constexpr (std::is_integral_v<Number>) {
      value = input.ConsumeIntegral<Number>();
    } else {
      value = input.ConsumeFloatingPoint<Number>();
    }
  }
  replace_dataset(file, path, extents, values);
}

void change_dataset(hid_t file, FuzzedDataProvider& input) {
  const char* path = input.PickValueInArray(kObjects);
  switch (input.ConsumeIntegralInRange(0, 4)) {
    case 0:
      return remove_object(file, path);
    case 1:
      return replace_by<float>(file, path, input);
    case 2:
      return replace_by<double>(file, path, input);
    case 3:
      return replace_by<std::int64_t>(file, path, input);
    default:
      return replace_by<std::uint32_t>(file, path, input);
  }
}

void change_attribute(hid_t file, FuzzedDataProvider& input) {
  const auto [object, name] = input.PickValueInArray(kAttributes);
  switch (input.ConsumeIntegralInRange(0, 2)) {
    case 0:
      // As C strings hold it: HDF5 writes up to the first NUL.
      return replace_attribute(file, object, name, input.ConsumeRandomLengthString(200));
    case 1:
      return replace_attribute(file, object, name, input.ConsumeIntegral<std::int64_t>());
    default:
      return replace_attribute(file, object, name, input.ConsumeFloatingPoint<double>());
  }
}

/// One line of the config's text becomes another.
void change_config(hid_t file, FuzzedDataProvider& input) {
  std::string yaml = to_yaml(small_info(Precision::float32).config);
  const auto place = input.ConsumeIntegralInRange<std::size_t>(0, yaml.size());
  const auto length = input.ConsumeIntegralInRange<std::size_t>(0, 40);
  yaml.replace(place, length, input.ConsumeRandomLengthString(60));
  replace_attribute(file, "/", "config", yaml);
}

void change(hid_t file, FuzzedDataProvider& input) {
  for (int count = input.ConsumeIntegralInRange(1, 6); count > 0; --count) {
    try {
      switch (input.ConsumeIntegralInRange(0, 2)) {
        case 0:
          change_dataset(file, input);
          break;
        case 1:
          change_attribute(file, input);
          break;
        default:
          change_config(file, input);
          break;
      }
    } catch (const hdf5::Error&) {
      // What an earlier change removed cannot be changed.
    }
  }
}

void check(const Checkpoint& checkpoint) {
  std::visit(
      [](const auto& state) {
        for (const auto value : state.parameters.values()) {
          require(std::isfinite(value), "every weight is finite");
        }
      },
      checkpoint.state);
  require(std::ssize(checkpoint.info.history.steps) == std::ssize(checkpoint.info.history.losses),
          "every loss has its step");
  require(checkpoint.info.step >= 0 && checkpoint.info.cursor >= 0, "counts are not negative");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TemporaryFolder folder;
  static const std::string good = [] {
    const CheckpointInfo info = small_info(Precision::float32);
    write_checkpoint(folder / "good.h5", info, small_state<float>(info));
    return read_bytes(folder / "good.h5");
  }();

  FuzzedDataProvider input(data, size);
  const std::filesystem::path file = folder / "changed.h5";
  write_bytes(file, good);
  change_file(file, [&](hid_t id) { change(id, input); });
  seal_again(file);
  try {
    check(read_checkpoint(file));
  } catch (const InputError& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos,
            "one line of error");
  }
  return 0;
}
