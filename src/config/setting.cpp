#include "config/setting.hpp"

#include <fmt/format.h>

#include "base/printable.hpp"
#include "microgpt/error.hpp"

namespace microgpt::config {

void refuse(std::string_view place, std::string_view complaint) {
  throw InputError(fmt::format("{}: {}", place, complaint));
}

void refuse_value(const Setting& setting, std::string_view complaint) {
  refuse(setting.place, fmt::format("{}: '{}' {}", setting.key, excerpt(setting.value), complaint));
}

void refuse_rival(const Setting& setting, std::string_view rival, std::string_view source) {
  refuse(setting.place,
         fmt::format("{} cannot stand beside {} ({}): remove one", setting.key, rival, source));
}

}  // namespace microgpt::config
