// From a run in memory to one durable file.
#include <fmt/format.h>

#include "base/durable_file.hpp"
#include "base/file_error.hpp"
#include "checkpoint/consistency.hpp"
#include "checkpoint/format.hpp"
#include "checkpoint/hdf5_output.hpp"
#include "checkpoint/seal.hpp"
#include "microgpt/checkpoint.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using namespace hdf5;

template <class Number>
void write_list(const Group& group, const std::string& name, std::span<const Number> values) {
  write_dataset(group, name, {values.size()}, values);
}

template <class Scalar>
void write_tensors(const Group& group, const ParameterLayout& layout,
                   std::span<const Scalar> block) {
  for (const TensorSpec& tensor : layout.tensors()) {
    write_dataset(group, tensor.name,
                  {static_cast<hsize_t>(tensor.rows), static_cast<hsize_t>(tensor.cols)},
                  block.subspan(static_cast<std::size_t>(tensor.offset),
                                static_cast<std::size_t>(tensor.size())));
  }
}

template <class Scalar>
void write_optimizer(hid_t file, const ParameterLayout& layout, const ModelState<Scalar>& state) {
  const Group optimizer = create_group(file, "optimizer");
  write_tensors(create_group(optimizer, "m"), layout, state.m.values());
  write_tensors(create_group(optimizer, "v"), layout, state.v.values());
}

void write_data(hid_t file, const CheckpointInfo& info) {
  const Group data = create_group(file, "data");
  write_attribute(data, "documents", info.documents);
  write_attribute(data, "sha256", info.dataset_sha256);
  write_attribute(data, "cursor", info.cursor);
}

void write_tokenizer(hid_t file, const std::vector<char32_t>& code_points) {
  const std::vector<std::uint32_t> numbers(code_points.begin(), code_points.end());
  write_list(create_group(file, "tokenizer"), "code_points", std::span(numbers));
}

void write_random(hid_t file, const PythonRandom::State& state) {
  const Group random = create_group(file, "random");
  write_list(random, "mt19937", std::span<const std::uint32_t>(state.words));
  write_attribute(random, "position", std::int64_t{state.position});
  write_attribute(random, "has_gauss_next", std::int64_t{state.gauss_next.has_value()});
  write_attribute(random, "gauss_next", state.gauss_next.value_or(0.0));
}

void write_history(hid_t file, const TrainingHistory& history) {
  const Group group = create_group(file, "history");
  write_list(group, "step", std::span(history.steps));
  write_list(group, "loss", std::span(history.losses));
  write_list(group, "val_step", std::span(history.val_steps));
  write_list(group, "val_loss", std::span(history.val_losses));
}

template <class Scalar>
Image checkpoint_image(const CheckpointInfo& info, const ModelState<Scalar>& state) {
  const ParameterLayout layout(info.shape());

  const Session session;
  FileInMemory file;
  write_attribute(file, "format", std::string(kFormat));
  write_attribute(file, "format_version", kFormatVersion);
  write_attribute(file, "program_version", info.program_version);
  write_attribute(file, "build", info.build);
  write_attribute(file, "config", to_yaml(info.config));
  write_attribute(file, "step", info.step);
  write_attribute(file, "epoch", info.epoch);

  write_tensors(create_group(file, "model"), layout, state.parameters.values());
  write_optimizer(file, layout, state);
  write_tokenizer(file, info.code_points);
  write_data(file, info);
  write_random(file, info.random);
  write_history(file, info.history);
  const std::size_t place_of_seal = reserve_seal(file);
  Image image = file.close();
  seal(image.bytes(), place_of_seal);
  return image;
}

}  // namespace

template <class Scalar>
void write_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info,
                      const ModelState<Scalar>& state) {
  if (const auto fault = find_fault(info, state)) {
    throw_about<RunError>(path, "not written, since it could not be read: " + *fault);
  }
  Image image;
  try {
    image = checkpoint_image(info, state);
  } catch (const Error& error) {
    throw_about<RunError>(path, fmt::format("not written: HDF5 {}", error.what()));
  }
  write_file_durably(path, image.bytes());
}

template void write_checkpoint(const std::filesystem::path&, const CheckpointInfo&,
                               const ModelState<float>&);
template void write_checkpoint(const std::filesystem::path&, const CheckpointInfo&,
                               const ModelState<double>&);

}  // namespace microgpt
