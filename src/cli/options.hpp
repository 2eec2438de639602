// The options of one verb: described in a table, parsed by cxxopts, and read with checks that name
// the option.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace microgpt::cli {

struct Option {
  enum class Kind { flag, value, positional };

  std::string name;      ///< without dashes: one for a single letter, otherwise two
  std::string argument;  ///< what --help calls the value; of a flag empty
  std::string help;
  Kind kind = argument.empty() ? Kind::flag : Kind::value;
};

/// What the user gave of a verb's options.
class ParsedOptions {
 public:
  /// Throws InputError that names the argument which is no option of `verb`, or lacks its value.
  ParsedOptions(std::string_view verb, const std::vector<Option>& options,
                const std::vector<std::string>& arguments);

  [[nodiscard]] bool asks_for_help() const { return asks_for_help_; }

  /// The following throw InputError that names the option where its value is not what it has to be.
  [[nodiscard]] bool flag(std::string_view name) const;
  /// Not empty, if it is there.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// The same; throws "give <what>" if it is not there.
  [[nodiscard]] std::string required_text(std::string_view name, std::string_view what) const;
  [[nodiscard]] std::optional<std::int64_t> whole_number(std::string_view name, std::int64_t lowest,
                                                         std::int64_t highest) const;
  [[nodiscard]] std::optional<double> number_above_zero(std::string_view name) const;
  /// All values of an option that may be repeated, as they are. (Of others the last one counts.)
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;

 private:
  struct Given {
    std::string name;
    std::string value;
  };

  [[nodiscard]] const Given* last(std::string_view name) const;

  std::vector<Given> given_;  // in the order of the command line
  bool asks_for_help_ = false;
};

/// A line of --help for each option.
[[nodiscard]] std::string help_of(const std::vector<Option>& options);

}  // namespace microgpt::cli
