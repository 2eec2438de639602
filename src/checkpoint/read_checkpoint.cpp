// From a file, whatever it says, to a checked run in memory.
#include <fmt/format.h>

#include <algorithm>

#include "base/file_error.hpp"
#include "checkpoint/consistency.hpp"
#include "checkpoint/file_head.hpp"
#include "checkpoint/format.hpp"
#include "checkpoint/hdf5_input.hpp"
#include "checkpoint/seal.hpp"
#include "microgpt/checkpoint.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

using namespace hdf5;

/// Before the seal is verified, since another version may be sealed in another way. Only numbers
/// are read so early: see seal.hpp.
void require_known_format(const InputGroup& root, const std::filesystem::path& path) {
  if (!has_attribute(root, "format") || !has_attribute(root, "format_version")) {
    throw_about<InputError>(path, "an HDF5 file, but not one of microgpt's; use a checkpoint");
  }
  const std::int64_t version = read_integer(root, "format_version");
  if (version > kFormatVersion) {
    throw_about<InputError>(path, fmt::format("written by a newer microgpt (format_version {}, "
                                              "known up to {}); update the program",
                                              version, kFormatVersion));
  }
  if (version < 1) throw Error(fmt::format("format_version is {}", version));
}

Config parse(const std::string& config_text, const std::filesystem::path& folder) {
  try {
    const SourcedConfig config = parse_config(config_text, "config", folder);
    validate_config(config);
    return config.values;
  } catch (const InputError& error) {
    throw Error(error.what());
  }
}

PythonRandom::State read_random(const InputGroup& root) {
  const InputGroup group = open_group(root, "random");
  PythonRandom::State state;
  const auto words = read_list<std::uint32_t>(group, "mt19937");
  const std::int64_t position = read_integer(group, "position");
  if (words.size() != state.words.size() || position < 0 || position > std::ssize(words)) {
    throw Error("/random is not the state of an MT19937");
  }
  std::ranges::copy(words, state.words.begin());
  state.position = static_cast<std::uint32_t>(position);
  if (read_integer(group, "has_gauss_next") != 0) state.gauss_next = read_real(group, "gauss_next");
  return state;
}

CheckpointInfo read_info(const InputGroup& root) {
  CheckpointInfo info;
  if (read_text(root, "format") != kFormat) throw Error("format is not microgpt");
  info.program_version = read_text(root, "program_version");
  info.build = read_text(root, "build");
  info.step = read_integer(root, "step");
  info.epoch = read_integer(root, "epoch");

  const InputGroup data = open_group(root, "data");
  info.documents = read_integer(data, "documents");
  info.dataset_sha256 = read_text(data, "sha256");
  info.cursor = read_integer(data, "cursor");

  const auto numbers = read_list<std::uint32_t>(open_group(root, "tokenizer"), "code_points");
  info.code_points.assign(numbers.begin(), numbers.end());
  info.random = read_random(root);

  const InputGroup history = open_group(root, "history");
  info.history = {.steps = read_list<std::int64_t>(history, "step"),
                  .losses = read_list<double>(history, "loss"),
                  .val_steps = read_list<std::int64_t>(history, "val_step"),
                  .val_losses = read_list<double>(history, "val_loss")};
  return info;
}

/// Before even a list of tensors is made: a config of a few bytes can describe any model.
void require_large_enough(const ModelShape& shape, std::size_t scalar, const File& file) {
  const auto n_embd = static_cast<double>(shape.n_embd);
  const auto columns = 2.0 * static_cast<double>(shape.vocab_size) +
                       static_cast<double>(shape.block_size) +
                       12.0 * n_embd * static_cast<double>(shape.n_layer);
  hsize_t size = 0;
  check(H5Fget_filesize(file, &size), "measure the file");
  if (3.0 * n_embd * columns * static_cast<double>(scalar) > static_cast<double>(size)) {
    throw Error("it is too small for the model that its config describes");
  }
}

template <class Scalar>
void read_tensors(const InputGroup& group, const ParameterLayout& layout, std::span<Scalar> block) {
  for (const TensorSpec& tensor : layout.tensors()) {
    read_matrix(group, tensor.name, tensor.rows, tensor.cols,
                block.subspan(static_cast<std::size_t>(tensor.offset),
                              static_cast<std::size_t>(tensor.size())));
  }
}

template <class Scalar>
ModelState<Scalar> read_state(const File& file, const InputGroup& root, const ModelShape& shape) {
  require_large_enough(shape, sizeof(Scalar), file);
  const ParameterLayout layout(shape);
  ModelState<Scalar> state(layout);
  read_tensors(open_group(root, "model"), layout, state.parameters.values());
  const InputGroup optimizer = open_group(root, "optimizer");
  read_tensors(open_group(optimizer, "m"), layout, state.m.values());
  read_tensors(open_group(optimizer, "v"), layout, state.v.values());
  return state;
}

AnyModelState read_state(const File& file, const InputGroup& root, const CheckpointInfo& info) {
  if (info.config.precision == Precision::float32) {
    return read_state<float>(file, root, info.shape());
  }
  return read_state<double>(file, root, info.shape());
}

Checkpoint read_contents(const std::filesystem::path& path) {
  const Session session;
  const File file = open_file(path);
  const InputGroup root = open_root(file);
  require_known_format(root, path);
  verify_seal(file, root);

  CheckpointInfo info = read_info(root);
  info.config = parse(read_text(root, "config"), path.parent_path());
  AnyModelState state = read_state(file, root, info);
  const auto fault = std::visit([&](const auto& model) { return find_fault(info, model); }, state);
  if (fault) throw Error(*fault);
  return {std::move(info), std::move(state)};
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  check_file_head(path);
  try {
    return read_contents(path);
  } catch (const Error& error) {
    throw_about<DamagedCheckpoint>(
        path, fmt::format("damaged: {}; use an earlier checkpoint", error.what()));
  }
}

}  // namespace microgpt
