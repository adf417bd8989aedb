#include "config/settings.h"

#include <array>

namespace tandem::config {

std::string_view to_string(AssignmentMode mode) {
  constexpr std::array<std::string_view, 3> kNames = {"push", "polling", "hybrid"};
  return kNames.at(static_cast<std::size_t>(mode));
}

std::string_view to_string(LogLevel level) {
  constexpr std::array<std::string_view, 5> kNames = {"trace", "debug", "info", "warn", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::string_view to_string(AllowExec allow) {
  constexpr std::array<std::string_view, 3> kNames = {"auto", "yes", "no"};
  return kNames.at(static_cast<std::size_t>(allow));
}

bool Settings::is_loopback() const {
  return listen_host == "localhost" || listen_host == "::1" || listen_host.starts_with("127.");
}

}  // namespace tandem::config
