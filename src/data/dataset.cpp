#include "microgpt/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/available_memory.hpp"
#include "base/file_error.hpp"
#include "data/alphabet.hpp"
#include "data/text_file.hpp"
#include "microgpt/error.hpp"

namespace microgpt {
namespace {

// Calls body(stripped_line) for each line that has a character left.
template <class Body>
void for_documents(std::u32string_view text, Body&& body) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(U'\n'), text.size());
    if (const auto line = strip(text.substr(0, end)); !line.empty()) body(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The stream is built by appending, and knows the place of each character for its error.
class StreamBuilder {
 public:
  StreamBuilder(const std::filesystem::path& file, std::u32string_view text,
                const Tokenizer& tokenizer)
      : file_(file), text_(text), tokenizer_(tokenizer) {
    stream_.reserve(text.size() + 2);
  }

  void append_bos() { stream_.push_back(tokenizer_.bos()); }

  // Appends the first `count` characters of `part`, a stretch of the text, all of which has to be
  // known.
  void append(std::u32string_view part, std::size_t count) {
    const std::u32string_view kept = part.substr(0, count);
    for (const char32_t& character : kept) stream_.push_back(token_of(character));
    for (const char32_t& character : part.substr(kept.size())) (void)token_of(character);
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(stream_.size()); }
  [[nodiscard]] std::vector<Token> take() { return std::move(stream_); }

 private:
  // Of a character where it stands in the text.
  [[nodiscard]] Token token_of(const char32_t& character) const {
    const auto token = tokenizer_.encode(character);
    if (!token) refuse(character);
    return *token;
  }

  [[noreturn]] void refuse(const char32_t& character) const {
    const auto index = static_cast<std::size_t>(&character - text_.data());
    throw InputError(fmt::format(
        "{}:{}: the model does not know the character {}; remove it, or use a model trained "
        "with it",
        file_.string(), line_number(text_, index), describe_character(character)));
  }

  const std::filesystem::path& file_;
  std::u32string_view text_;
  const Tokenizer& tokenizer_;
  std::vector<Token> stream_;
};

// Asks for the memory of as many documents, which a run has twice: once in its split.
void reserve_documents(std::vector<Document>& documents, std::size_t count,
                       const std::filesystem::path& file) {
  require_memory(static_cast<std::int64_t>(2 * count * sizeof(Document)),
                 fmt::format("{}, with {} documents,", file.string(), count), "use a smaller file");
  documents.reserve(count);
}

// BOS line BOS line … BOS: neighbours share the BOS between them. A document reads at most
// block_size tokens, and only so much of a long line is kept.
std::vector<Document> lines_to_documents(std::u32string_view text, std::int64_t block_size,
                                         StreamBuilder& stream, const std::filesystem::path& file) {
  std::vector<Document> documents;
  std::size_t count = 0;
  for_documents(text, [&](std::u32string_view /*line*/) { ++count; });
  reserve_documents(documents, count, file);
  stream.append_bos();
  for_documents(text, [&](std::u32string_view line) {
    const auto characters = static_cast<std::int64_t>(line.size());
    const std::int64_t length = std::min(block_size, characters + 1);
    documents.push_back({.offset = stream.size() - 1, .length = length});
    stream.append(line, static_cast<std::size_t>(block_size));
    stream.append_bos();
  });
  return documents;
}

// BOS characters BOS, in windows of block_size positions; the last one holds what is left.
std::vector<Document> text_to_documents(std::u32string_view text, std::int64_t block_size,
                                        StreamBuilder& stream, const std::filesystem::path& file) {
  stream.append_bos();
  stream.append(text, text.size());
  stream.append_bos();
  const std::int64_t positions = stream.size() - 1;
  std::vector<Document> documents;
  reserve_documents(documents, static_cast<std::size_t>((positions - 1) / block_size + 1), file);
  for (std::int64_t offset = 0; offset < positions; offset += block_size) {
    documents.push_back({.offset = offset, .length = std::min(block_size, positions - offset)});
  }
  return documents;
}

// Knows the characters of all documents: all of each line, also what is cut off.
Tokenizer tokenizer_of_documents(std::u32string_view text, DocumentMode mode) {
  Alphabet alphabet;
  if (mode == DocumentMode::text) {
    alphabet.add(text);
  } else {
    for_documents(text, [&](std::u32string_view line) { alphabet.add(line); });
  }
  return Tokenizer(alphabet.sorted());
}

}  // namespace

std::int64_t count_positions(std::span<const Document> documents) {
  std::int64_t positions = 0;
  for (const Document& document : documents) positions += document.length;
  return positions;
}

Dataset::Dataset(const std::filesystem::path& file, std::u32string_view text, DocumentMode mode,
                 std::int64_t block_size, Tokenizer tokenizer, std::string sha256)
    : tokenizer_(std::move(tokenizer)), sha256_(std::move(sha256)) {
  StreamBuilder stream(file, text, tokenizer_);
  documents_ = mode == DocumentMode::lines ? lines_to_documents(text, block_size, stream, file)
                                           : text_to_documents(text, block_size, stream, file);
  if (tokenizer_.code_points().empty() || documents_.empty() || text.empty()) {
    throw_about<InputError>(file, "holds no document; give a file with text");
  }
  longest_document_ = std::ranges::max(documents_, {}, &Document::length).length;
  stream_ = stream.take();
}

Dataset Dataset::load(const std::filesystem::path& file, DocumentMode mode,
                      std::int64_t block_size) {
  const TextFile content = read_text_file(file);
  return {file,          content.text, mode, block_size, tokenizer_of_documents(content.text, mode),
          content.sha256};
}

Dataset Dataset::load(const std::filesystem::path& file, DocumentMode mode, std::int64_t block_size,
                      const Tokenizer& tokenizer) {
  const TextFile content = read_text_file(file);
  return {file, content.text, mode, block_size, tokenizer, content.sha256};
}

}  // namespace microgpt
