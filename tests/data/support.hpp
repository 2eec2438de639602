// What the tests of the data share: a file that lasts as long as a test, and documents written out.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "data/text_file.hpp"
#include "microgpt/dataset.hpp"
#include "microgpt/error.hpp"

namespace microgpt {

/// A folder that is removed, with all that is in it, when the object goes.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "microgpt-data-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// The file `name` of this folder, holding `bytes`.
  [[nodiscard]] std::filesystem::path file(std::string_view name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

  /// What the InputError says that `action` throws, without this folder's name; "no error" if it
  /// throws none.
  template <class Action>
  [[nodiscard]] std::string refusal(Action&& action) const {
    try {
      (void)action();
    } catch (const InputError& error) {
      std::string message = error.what();
      if (const auto at = message.find(path_.string()); at != std::string::npos) {
        message.erase(at, path_.string().size() + 1);
      }
      return message;
    }
    return "no error";
  }

 private:
  std::filesystem::path path_;
};

/// The dataset of a file that holds `bytes`.
inline Dataset dataset_of(std::string_view bytes, DocumentMode mode, std::int64_t block_size) {
  const TemporaryFolder folder;
  return Dataset::load(folder.file("names.txt", bytes), mode, block_size);
}

/// Each document's n + 1 tokens as text, with '|' for BOS.
inline std::vector<std::string> written_out(const Dataset& dataset) {
  std::vector<std::string> documents;
  for (const auto& [offset, length] : dataset.documents()) {
    std::u32string characters;
    for (const Token token : dataset.stream().subspan(static_cast<std::size_t>(offset),
                                                      static_cast<std::size_t>(length) + 1)) {
      const Tokenizer& tokenizer = dataset.tokenizer();
      characters += token == tokenizer.bos() ? U'|' : tokenizer.decode(token);
    }
    documents.push_back(to_utf8(characters));
  }
  return documents;
}

/// The characters that a tokenizer knows, in the order of their tokens.
inline std::string vocabulary(const Tokenizer& tokenizer) {
  const auto& code_points = tokenizer.code_points();
  return to_utf8({code_points.data(), code_points.size()});
}

}  // namespace microgpt
