// A text file as training material: its documents, as stretches of one stream of tokens.
//
// `lines`: every stripped, non-empty line is a document. `text`: the whole file is one stream, cut
// into consecutive windows. In both modes a document of n positions is n + 1 tokens of the stream:
// position t reads token t and predicts token t + 1. It starts with BOS or, in the middle of a
// text, with the character before the window.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "microgpt/config.hpp"
#include "microgpt/random.hpp"
#include "microgpt/tokenizer.hpp"

namespace microgpt {

/// Tokens offset .. offset + length of the stream.
struct Document {
  std::int64_t offset = 0;
  std::int64_t length = 0;  ///< positions, 1 .. block_size
};

[[nodiscard]] std::int64_t count_positions(std::span<const Document> documents);

class Dataset {
 public:
  /// Reads a UTF-8 file and makes its tokenizer. Line ends are those of Python's text mode (\n,
  /// \r\n, \r); lines are stripped as by str.strip().
  /// Throws InputError that names the file, and the line where text is not UTF-8; an empty file or
  /// one without a document is refused, too.
  static Dataset load(const std::filesystem::path& file, DocumentMode mode,
                      std::int64_t block_size);

  /// The same with the tokenizer of a model. Throws InputError that names file, line and character
  /// where the model does not know it.
  static Dataset load(const std::filesystem::path& file, DocumentMode mode, std::int64_t block_size,
                      const Tokenizer& tokenizer);

  [[nodiscard]] const Tokenizer& tokenizer() const { return tokenizer_; }
  [[nodiscard]] std::span<const Token> stream() const { return stream_; }
  [[nodiscard]] const std::vector<Document>& documents() const { return documents_; }
  /// Its positions: what a step costs follows from that, not from block_size.
  [[nodiscard]] std::int64_t longest_document() const { return longest_document_; }
  /// Of the file's bytes, 64 hexadecimal digits.
  [[nodiscard]] const std::string& sha256() const { return sha256_; }

 private:
  Dataset(const std::filesystem::path& file, std::u32string_view text, DocumentMode mode,
          std::int64_t block_size, Tokenizer tokenizer, std::string sha256);

  Tokenizer tokenizer_;
  std::vector<Token> stream_;
  std::vector<Document> documents_;
  std::int64_t longest_document_ = 0;
  std::string sha256_;
};

/// Which documents train, in the order in which steps take them, and which are held out.
struct DocumentSplit {
  std::vector<Document> training;
  std::vector<Document> validation;
};

/// `lines`: shuffles all documents, then holds out the last ⌊fraction · N⌋. `text`: holds out the
/// last windows of the file, then shuffles the others. Throws InputError where nothing is left to
/// train on.
[[nodiscard]] DocumentSplit split_documents(const std::vector<Document>& documents,
                                            DocumentMode mode, double validation_fraction,
                                            PythonRandom& random);

}  // namespace microgpt
