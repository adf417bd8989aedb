#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace tandem::config {

enum class Unit : std::uint8_t {
  none,
  seconds,
  days,
  bytes,
  count,
  flag,
  list,
  url,
  path,
  address,
  choice,
  secret
};

// Who reads a setting: a section of the documentation and of --help.
enum class Section : std::uint8_t { server, tokens, tasks, upstream, worker, client, logging };
std::string_view to_string(Section section);

// One setting. `apply` checks a text and writes it into Settings, or answers what is wrong with
// it ("must lie between 5 and 3600 seconds"), without the name.
struct Row {
  std::string_view name;           // lease
  std::string_view env;            // TANDEM_LEASE_S
  std::string_view flag;           // lease-s; without dashes
  std::string_view default_value;  // as text; "" none
  Unit unit = Unit::none;
  double min = 0, max = 0;   // inclusive; both 0: no bounds
  std::string_view choices;  // a|b|c
  Section section = Section::server;
  std::string_view help;
  std::string (*apply)(const Row& row, std::string_view text, Settings& settings) = nullptr;
};

// Every setting, in the order of the documentation.
std::span<const Row> settings_table();
// Environment variables that are no settings: what a job is given (TANDEM_TASK_ID, …), and what the
// development tools use. Passed over, not violations.
bool is_job_variable(std::string_view env);

// "5..3600 s", "push|polling|hybrid", …
std::string bounds_text(const Row& row);
std::string settings_markdown();             // the tables of docs/operating/settings.md
std::string settings_text(Section section);  // for --help

}  // namespace tandem::config
