#include <charconv>
#include <initializer_list>

#include "config/table.h"

namespace tandem::config {
namespace {

constexpr std::initializer_list<Section> kSections = {
    Section::server, Section::tokens, Section::tasks,  Section::upstream,
    Section::worker, Section::client, Section::logging};

std::string number_text(double number) {
  char digits[40];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed).ptr;
  return {digits, end};
}

// A bar would end the cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string_view unit_text(Unit unit) {
  switch (unit) {
    case Unit::seconds: return " s";
    case Unit::days: return " days";
    case Unit::bytes: return " bytes";
    default: return "";
  }
}

std::string_view kind_text(Unit unit) {
  switch (unit) {
    case Unit::flag: return "true|false";
    case Unit::list: return "comma-separated";
    case Unit::url: return "URL";
    case Unit::path: return "path";
    case Unit::address: return "host:port";
    case Unit::secret: return "secret";
    default: return "text";
  }
}

}  // namespace

std::string bounds_text(const Row& row) {
  if (row.unit == Unit::choice) return std::string(row.choices);
  if (row.min == 0 && row.max == 0) return std::string(kind_text(row.unit));
  return number_text(row.min) + ".." + number_text(row.max) + std::string(unit_text(row.unit));
}

std::string settings_markdown() {
  std::string out;
  for (const Section section : kSections) {
    out += "## " + std::string(to_string(section)) +
           "\n\n| Variable | Flag | Default | Values | What it is |\n|---|---|---|---|---|\n";
    for (const Row& row : settings_table()) {
      if (row.section != section) continue;
      out += "| `" + std::string(row.env) + "` | ";
      out += row.flag.empty() ? "" : "`--" + std::string(row.flag) + "`";
      out += " | ";
      out += row.default_value.empty() ? "" : "`" + std::string(row.default_value) + "`";
      out += " | " + cell(bounds_text(row)) + " | " + cell(row.help) + " |\n";
    }
    out += "\n";
  }
  return out;
}

std::string settings_text(Section section) {
  std::string out = std::string(to_string(section)) + ":\n";
  for (const Row& row : settings_table()) {
    if (row.section != section) continue;
    const std::string flag = row.flag.empty() ? std::string() : "--" + std::string(row.flag) + ", ";
    out += "  " + flag + std::string(row.env) + "  (" + bounds_text(row);
    if (!row.default_value.empty()) out += "; default " + std::string(row.default_value);
    out += ")\n      " + std::string(row.help) + "\n";
  }
  return out;
}

}  // namespace tandem::config
