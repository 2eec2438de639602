// Which documents are trained on, in which order, and which are held out.
#include <fmt/format.h>

#include <cmath>
#include <span>

#include "microgpt/dataset.hpp"
#include "microgpt/error.hpp"

namespace microgpt {

DocumentSplit split_documents(const std::vector<Document>& documents, DocumentMode mode,
                              double validation_fraction, PythonRandom& random) {
  const auto held_out = static_cast<std::ptrdiff_t>(
      std::floor(validation_fraction * static_cast<double>(documents.size())));
  DocumentSplit split{.training = documents, .validation = {}};
  const auto hold_out = [&] {
    split.validation.assign(split.training.end() - held_out, split.training.end());
    split.training.erase(split.training.end() - held_out, split.training.end());
  };

  if (mode == DocumentMode::lines) {
    random.shuffle(std::span(split.training));
    hold_out();
  } else {
    hold_out();
    random.shuffle(std::span(split.training));
  }
  if (split.training.empty()) {
    throw InputError(fmt::format(
        "validation_fraction: {} holds out all {} documents; lower it or give more text",
        validation_fraction, documents.size()));
  }
  return split;
}

}  // namespace microgpt
