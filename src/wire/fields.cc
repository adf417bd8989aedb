#include "wire/fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/assert.h"
#include "base/limits.h"

namespace tandem::wire {
namespace {

namespace json = boost::json;

std::string range_text(std::int64_t min, std::int64_t max) {
  return " from " + std::to_string(min) + " to " + std::to_string(max);
}

std::string seconds_text(std::int64_t ms) {
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 != 0) text += "." + std::to_string(1000 + ms % 1000).substr(1);
  return text;
}

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) {
    const double number = value.get_double();
    if (std::abs(number) < 9e15 && number == std::floor(number))
      return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

// What is wrong with a text that should be one line of 1..max bytes; empty: nothing.
std::string name_fault(std::string_view text, std::size_t max_bytes) {
  if (text.empty()) return "must not be empty";
  if (text.size() > max_bytes) return "must have at most " + std::to_string(max_bytes) + " bytes";
  if (!is_one_line(text)) return "must not hold control characters";
  return {};
}

}  // namespace

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_job_type(std::string_view text) {
  const auto alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (text.empty() || text.size() > limits::kMaxNameBytes || !alnum(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_http_url(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
      return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '`';
    });
    return printable && !authority.empty() && authority.front() != ':' &&
           authority.find('@') == std::string_view::npos;
  }
  return false;
}

Decoded<const json::object*> object_of(Document& document, std::string_view text) {
  if (auto parsed = document.parse(text); !parsed) return reject(parsed.error());
  const json::object* object = document.root().if_object();
  if (object == nullptr) return reject(std::vector<FieldError>{{"", "must be an object"}});
  return object;
}

const json::value* Fields::find(std::string_view name) {
  TANDEM_ASSERT(known_count_ < known_.size());
  known_[known_count_++] = name;
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool Fields::has(std::string_view name) {
  const json::value* value = object_.if_contains(name);
  return value != nullptr && !value->is_null();
}

void Fields::wrong(std::string_view name, std::string message) {
  if (errors_.size() < kMaxFieldErrors)
    errors_.push_back({std::string(prefix_) + std::string(name), std::move(message)});
}

void Fields::required(std::string_view name) {
  if (!has(name)) wrong(name, "is required");
}

bool Fields::text(std::string_view name, std::string& out, std::size_t max_bytes) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const json::string* string = value->if_string();
  if (string == nullptr) return wrong(name, "must be a string"), false;
  if (string->size() > max_bytes)
    return wrong(name, "must have at most " + std::to_string(max_bytes) + " bytes"), false;
  out.assign(string->data(), string->size());
  return true;
}

bool Fields::name(std::string_view name, std::string& out, std::size_t max_bytes) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const json::string* string = value->if_string();
  if (string == nullptr) return wrong(name, "must be a string"), false;
  if (std::string fault = name_fault(view(*string), max_bytes); !fault.empty())
    return wrong(name, std::move(fault)), false;
  out.assign(string->data(), string->size());
  return true;
}

bool Fields::names(std::string_view name, std::vector<std::string>& out, std::size_t max_bytes) {
  const json::array* values = array(name, 0, limits::kMaxLabels);
  if (values == nullptr) return false;
  std::vector<std::string> result;
  std::size_t index = 0;
  bool right = true;
  for (const json::value& value : *values) {
    const std::string element = std::string(name) + "[" + std::to_string(index++) + "]";
    const json::string* string = value.if_string();
    std::string fault =
        string == nullptr ? std::string("must be a string") : name_fault(view(*string), max_bytes);
    if (!fault.empty()) {
      wrong(element, std::move(fault));
      right = false;
    } else {
      result.emplace_back(view(*string));
    }
  }
  if (!right) return false;
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  out = std::move(result);
  return true;
}

bool Fields::integer(std::string_view name, std::int64_t& out, std::int64_t min, std::int64_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const auto number = whole_number(*value);
  if (!number || *number < min || *number > max)
    return wrong(name, "must be a whole number" + range_text(min, max)), false;
  out = *number;
  return true;
}

bool Fields::integer(std::string_view name, int& out, int min, int max) {
  std::int64_t wide = 0;
  if (!integer(name, wide, std::int64_t{min}, std::int64_t{max})) return false;
  out = static_cast<int>(wide);
  return true;
}

bool Fields::number(std::string_view name, double& out, double min, double max) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const double number = value->is_number() ? value->to_number<double>() : std::nan("");
  if (!(number >= min && number <= max))
    return wrong(name, "must be a number" + range_text(std::llround(min), std::llround(max))),
           false;
  out = number;
  return true;
}

bool Fields::boolean(std::string_view name, bool& out) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return wrong(name, "must be true or false"), false;
  out = value->get_bool();
  return true;
}

bool Fields::seconds(std::string_view name, std::int64_t& out_ms, std::int64_t min_ms,
                     std::int64_t max_ms) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const double number = value->is_number() ? value->to_number<double>() * 1000.0 : std::nan("");
  // Compared as doubles first: llround of a huge number has no defined value.
  if (!(number >= static_cast<double>(min_ms) && number <= static_cast<double>(max_ms)))
    return wrong(name, "must be a number of seconds from " + seconds_text(min_ms) + " to " +
                           seconds_text(max_ms)),
           false;
  out_ms = std::llround(number);
  return true;
}

bool Fields::seconds(std::string_view name, std::optional<std::int64_t>& out_ms,
                     std::int64_t min_ms, std::int64_t max_ms) {
  std::int64_t ms = 0;
  if (!seconds(name, ms, min_ms, max_ms)) return false;
  out_ms = ms;
  return true;
}

bool Fields::time(std::string_view name, std::optional<WallTime>& out) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  const json::string* string = value->if_string();
  const auto moment = string == nullptr ? std::nullopt : parse_rfc3339(view(*string));
  if (!moment) return wrong(name, "must be a time such as 2026-01-31T23:59:59Z (RFC 3339)"), false;
  out = moment;
  return true;
}

bool Fields::labels(std::string_view name, std::map<std::string, std::string>& out) {
  const json::object* values = object(name);
  if (values == nullptr) return false;
  if (values->size() > limits::kMaxLabels)
    return wrong(name, "must have at most " + std::to_string(limits::kMaxLabels) + " entries"),
           false;
  std::map<std::string, std::string> result;
  bool right = true;
  for (const auto& member : *values) {
    const std::string_view key(member.key().data(), member.key().size());
    const json::string* string = member.value().if_string();
    std::string fault = name_fault(key, limits::kMaxLabelBytes);
    if (fault.empty() && key.find_first_of("=:") != std::string_view::npos)
      fault = "must not have '=' or ':' in its name";
    if (fault.empty() && string == nullptr) fault = "must be a string";
    if (fault.empty() && !string->empty())
      fault = name_fault(view(*string), limits::kMaxLabelBytes);
    if (!fault.empty()) {
      wrong(std::string(name) + "." + std::string(key.substr(0, limits::kMaxLabelBytes)),
            std::move(fault));
      right = false;
    } else {
      result.emplace(key, view(*string));
    }
  }
  if (right) out = std::move(result);
  return right;
}

const json::object* Fields::object(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return nullptr;
  const json::object* object = value->if_object();
  if (object == nullptr) wrong(name, "must be an object");
  return object;
}

const json::array* Fields::array(std::string_view name, std::size_t min, std::size_t max) {
  const json::value* value = find(name);
  if (value == nullptr) return nullptr;
  const json::array* array = value->if_array();
  if (array != nullptr && array->size() >= min && array->size() <= max) return array;
  wrong(name,
        "must be a list of " + std::to_string(min) + " to " + std::to_string(max) + " entries");
  return nullptr;
}

void Fields::finish(std::span<const std::string_view> read_only) {
  const auto known = std::span(known_.data(), known_count_);
  for (const auto& member : object_) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const bool is_read_only = std::find(read_only.begin(), read_only.end(), key) != read_only.end();
    wrong(key.substr(0, limits::kMaxLabelBytes), is_read_only ? "is read-only" : "is unknown");
  }
}

}  // namespace tandem::wire
