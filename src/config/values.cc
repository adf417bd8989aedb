#include "config/values.h"

#include <arpa/inet.h>

#include <charconv>

namespace tandem::config::values {
namespace {

bool is_one_of(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const std::string_view name = choices.substr(0, choices.find('|'));
    if (name == text) return true;
    choices.remove_prefix(std::min(choices.size(), name.size() + 1));
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// localhost stands for 127.0.0.1; no other name is looked up. A zone may follow: fe80::1%eth0.
bool is_own_address(std::string_view name) {
  unsigned char bytes[16];
  const std::string host(name);
  const std::string v6(name.substr(0, name.find('%')));
  return name == "localhost" || ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, v6.c_str(), bytes) == 1;
}

}  // namespace

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::string check_number(const Row& row, std::string_view text, double& out) {
  const auto number = number_of(text);
  if (!number || *number < row.min || *number > row.max)
    return "must be a number within " + bounds_text(row);
  out = *number;
  return {};
}

std::string check_choice(const Row& row, std::string_view text) {
  if (is_one_of(text, row.choices)) return {};
  return "must be one of " + std::string(row.choices);
}

std::string split_address(std::string_view text, std::string& host, std::uint16_t& port) {
  constexpr std::string_view kFault = "must be host:port, such as 127.0.0.1:8080 or [::1]:8080";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::string(kFault);
  std::string_view name = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (name.starts_with('[') && name.ends_with(']'))
    name = name.substr(1, name.size() - 2);
  else if (name.find(':') != std::string_view::npos)
    return std::string(kFault);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc() || end != digits.data() + digits.size() || name.empty())
    return std::string(kFault);
  if (!is_own_address(name)) return "must begin with an IP address or localhost";
  host = name;
  return {};
}

std::string check_url(std::string_view text, std::string_view choices) {
  const std::size_t colon = text.find("://");
  const bool known = colon != std::string_view::npos && is_one_of(text.substr(0, colon), choices);
  const bool printable = text.find_first_of(" \t\r\n") == std::string_view::npos;
  const char next = known && text.size() > colon + 3 ? text[colon + 3] : '\0';
  if (known && printable && next != '\0' && next != '?' && next != '#') return {};
  std::string schemes;
  while (!choices.empty()) {
    const std::string_view name = choices.substr(0, choices.find('|'));
    schemes += (schemes.empty() ? "" : " or ") + std::string(name) + "://…";
    choices.remove_prefix(std::min(choices.size(), name.size() + 1));
  }
  return "must be a URL of the form " + schemes;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    if (!trimmed(entry).empty()) entries.emplace_back(trimmed(entry));
  }
  return entries;
}

}  // namespace tandem::config::values
