// The shapes that speed is measured at, from the tutorial's model to a 6-layer one, and documents
// for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "microgpt/dataset.hpp"
#include "microgpt/model.hpp"

namespace microgpt::bench {

struct Shape {
  std::string name;
  ModelShape model;
  std::int64_t batch_size;
  bool names;  ///< documents are names; else full windows of a text
};

/// A to G, and A1: A with batch_size 1.
[[nodiscard]] const std::vector<Shape>& shapes();

/// Throws InputError where there is no shape of that name.
[[nodiscard]] const Shape& shape_named(std::string_view name);

/// 6 · (12 · n_layer · n_embd² + n_embd · vocab) a token: matrix products only. Attention, norms,
/// softmax, Adam and waiting are cost, not work.
[[nodiscard]] double flops_per_token(const ModelShape& model);

/// What a run would train on, in the order of its steps.
struct Documents {
  std::vector<Token> stream;
  std::vector<Document> documents;
};

/// The names of `names_file`, shuffled as a run with seed 42 does; or random tokens in windows of
/// block_size.
[[nodiscard]] Documents make_documents(const Shape& shape, const std::string& names_file);

}  // namespace microgpt::bench
