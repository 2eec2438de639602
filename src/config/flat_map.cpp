#include "config/flat_map.hpp"

#include <fmt/format.h>
#include <utf8.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "base/printable.hpp"

namespace microgpt::config {
namespace {

// Whether a quoted text ends in its line; `text` goes on from the quote. (yaml-cpp takes the
// end of the file for the missing quote, and all lines before it for one.)
bool is_closed(std::string_view text) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size() && text[i] != '\n'; ++i) {
    const bool escapes = quote == '"' ? text[i] == '\\' : text.substr(i, 2) == "''";
    if (escapes) {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

// yaml-cpp reports what it meets, one event after the other; this handler lets only a flat map by.
class FlatMapHandler final : public YAML::EventHandler {
 public:
  FlatMapHandler(std::string_view yaml, std::string_view name) : yaml_(yaml), name_(name) {
    // Marks do not count a byte-order mark.
    if (yaml_.starts_with("\xef\xbb\xbf")) yaml_.remove_prefix(3);
  }

  [[nodiscard]] std::vector<Setting> take() { return std::move(settings_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(place(mark), "a second YAML document begins here: keep one");
  }
  void OnDocumentEnd() override {}

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    if (in_map_) refuse_nesting(mark, "a map");
    refuse_decoration(mark, tag, anchor);
    in_map_ = true;
  }
  void OnMapEnd() override {}

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {
    refuse_nesting(mark, "a list");
  }
  void OnSequenceEnd() override {}

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!in_map_) {
      refuse(place(mark), fmt::format("'{}' is not of the form 'key: value'", excerpt(value)));
    }
    refuse_decoration(mark, tag, anchor);
    refuse_open_quote(mark);
    if (!open_) {
      open_ = Setting{.key = value, .value = {}, .quoted = false, .place = place(mark)};
      return;
    }
    open_->value = value;
    open_->quoted = tag == kQuotedTag;
    settings_.push_back(*std::exchange(open_, std::nullopt));
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_decoration(mark, kPlainTag, anchor);
    if (!in_map_) return;  // Only comments, or nothing at all.
    if (!open_) refuse(place(mark), "the key before ':' is missing");
    refuse(open_->place,
           fmt::format("{} has no value: give it one or remove the line", excerpt(open_->key)));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    refuse(place(mark), "aliases (*) have no use in a config: write the value out");
  }

 private:
  // How yaml-cpp tags scalars that bear no tag of their own.
  static constexpr const char* kPlainTag = "?";
  static constexpr const char* kQuotedTag = "!";

  [[nodiscard]] std::string place(const YAML::Mark& mark) const {
    return fmt::format("{}:{}", name_, mark.line + 1);
  }

  [[noreturn]] void refuse_nesting(const YAML::Mark& mark, std::string_view what) const {
    const std::string flat = "a config is flat, one 'key: value' a line";
    if (!open_) refuse(place(mark), fmt::format("{} cannot stand here: {}", what, flat));
    refuse(open_->place, fmt::format("{} holds {}: {}", excerpt(open_->key), what, flat));
  }

  void refuse_decoration(const YAML::Mark& mark, std::string_view tag,
                         YAML::anchor_t anchor) const {
    if (anchor != 0) refuse(place(mark), "anchors (&) have no use in a config: remove it");
    if (tag != kPlainTag && tag != kQuotedTag) {
      refuse(place(mark),
             fmt::format("the YAML tag '{}' has no use in a config: remove it", excerpt(tag)));
    }
  }

  void refuse_open_quote(const YAML::Mark& mark) const {
    const std::string_view text =
        yaml_.substr(std::min(static_cast<std::size_t>(mark.pos), yaml_.size()));
    if (text.empty() || (text.front() != '"' && text.front() != '\'') || is_closed(text)) return;
    refuse(place(mark), "a quote begins here that does not end in its line: close it");
  }

  std::string_view yaml_;
  std::string_view name_;
  int documents_ = 0;
  bool in_map_ = false;
  std::optional<Setting> open_;  // A key that waits for its value.
  std::vector<Setting> settings_;
};

void refuse_foreign_bytes(std::string_view yaml, std::string_view name) {
  const auto place = [&](std::string_view::iterator at) {
    return fmt::format("{}:{}", name, 1 + std::count(yaml.begin(), at, '\n'));
  };
  const auto invalid = utf8::find_invalid(yaml.begin(), yaml.end());
  if (invalid != yaml.end()) {
    refuse(place(invalid), fmt::format("byte 0x{:02x} is not UTF-8: save the file as UTF-8 text",
                                       static_cast<unsigned char>(*invalid)));
  }
  const auto nul = std::ranges::find(yaml, '\0');
  if (nul != yaml.end()) refuse(place(nul), "holds a NUL byte: a config is a text file");
}

}  // namespace

std::vector<Setting> read_flat_map(std::string_view yaml, std::string_view name) {
  refuse_foreign_bytes(yaml, name);
  FlatMapHandler handler(yaml, name);
  try {
    std::istringstream stream{std::string(yaml)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& error) {
    refuse(
        error.mark.is_null() ? std::string(name) : fmt::format("{}:{}", name, error.mark.line + 1),
        fmt::format("not valid YAML ({}): write one 'key: value' a line", excerpt(error.msg)));
  }
  return handler.take();
}

}  // namespace microgpt::config
