// The dataset loader: any bytes are refused as bad input, or become documents within their stream.
// The first two bytes choose the mode and the block size.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "fuzz/fuzzed_file.hpp"
#include "fuzz/require.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/error.hpp"

using namespace microgpt;

namespace {

void check(const Dataset& dataset, std::int64_t block_size) {
  const auto stream = dataset.stream();
  const Token bos = dataset.tokenizer().bos();
  require(!dataset.documents().empty(), "there is a document");
  require(stream.front() == bos && stream.back() == bos, "the stream lies between two BOS");
  require(std::ranges::all_of(stream, [&](Token token) { return token <= bos; }),
          "every token is in the vocabulary");
  std::int64_t last = -1;
  for (const Document& document : dataset.documents()) {
    require(document.length >= 1 && document.length <= block_size, "lengths fit the block");
    require(document.offset > last, "documents follow each other");
    require(document.offset + document.length < std::ssize(stream), "documents lie in the stream");
    last = document.offset;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const FuzzedFile file;
  file.replace({data + 2, size - 2});
  const DocumentMode mode = data[0] % 2 == 0 ? DocumentMode::lines : DocumentMode::text;
  const std::int64_t block_size = 1 + data[1] % 40;
  try {
    const Dataset dataset = Dataset::load(file.path(), mode, block_size);
    check(dataset, block_size);

    // A model's tokenizer that knows all of it gives the same; one that knows less refuses.
    const Dataset again = Dataset::load(file.path(), mode, block_size, dataset.tokenizer());
    require(std::ranges::equal(again.stream(), dataset.stream()), "the tokens are the same");
    const Tokenizer narrow = Tokenizer::of_text(U"ab");
    check(Dataset::load(file.path(), mode, block_size, narrow), block_size);
  } catch (const InputError& error) {
    require(std::string_view(error.what()).find('\n') == std::string_view::npos,
            "one line of error");
  }
  return 0;
}
