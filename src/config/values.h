#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/table.h"

// How the text of a setting becomes a value. Each answers what is wrong with it, or nothing.
namespace tandem::config::values {

std::optional<double> number_of(std::string_view text);
std::string check_number(const Row& row, std::string_view text, double& out);
std::string check_choice(const Row& row, std::string_view text);
std::string split_address(std::string_view text, std::string& host, std::uint16_t& port);
std::string check_url(std::string_view text, std::string_view choices);
std::vector<std::string> split_list(std::string_view text);

// Appliers of rows, by the member that they write.
template <auto Member>
std::string text(const Row&, std::string_view value, Settings& settings) {
  settings.*Member = value;
  return {};
}
template <auto Member>
std::string list(const Row&, std::string_view value, Settings& settings) {
  settings.*Member = split_list(value);
  return {};
}
template <auto Member>
std::string count(const Row& row, std::string_view value, Settings& settings) {
  double number = 0;
  if (std::string fault = check_number(row, value, number); !fault.empty()) return fault;
  if (number != std::floor(number)) return "must be a whole number";
  settings.*Member = static_cast<std::remove_reference_t<decltype(settings.*Member)>>(number);
  return {};
}
template <auto Member, std::int64_t kUnitMs>
std::string duration(const Row& row, std::string_view value, Settings& settings) {
  double number = 0;
  if (std::string fault = check_number(row, value, number); !fault.empty()) return fault;
  settings.*Member = std::llround(number * static_cast<double>(kUnitMs));
  return {};
}
template <auto Member>
std::string flag(const Row&, std::string_view value, Settings& settings) {
  const bool yes = value == "true" || value == "yes" || value == "1" || value == "on";
  const bool no = value == "false" || value == "no" || value == "0" || value == "off";
  if (!yes && !no) return "must be true or false";
  settings.*Member = yes;
  return {};
}
// The enumerators stand in the order of the row's choices.
template <auto Member>
std::string choice(const Row& row, std::string_view value, Settings& settings) {
  if (std::string fault = check_choice(row, value); !fault.empty()) return fault;
  std::string_view rest = row.choices;
  for (int index = 0;; ++index) {
    const std::string_view name = rest.substr(0, rest.find('|'));
    if (name == value) {
      settings.*Member = static_cast<std::remove_reference_t<decltype(settings.*Member)>>(index);
      return {};
    }
    rest.remove_prefix(name.size() + 1);
  }
}
template <auto Member>
std::string url(const Row& row, std::string_view value, Settings& settings) {
  if (std::string fault = check_url(value, row.choices); !fault.empty()) return fault;
  settings.*Member = value;
  return {};
}

}  // namespace tandem::config::values
