#include "api/query_params.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "wire/list_json.h"

namespace tandem::api {

QueryParams::QueryParams(const net::Query& query, std::initializer_list<std::string_view> known,
                         std::initializer_list<std::string_view> repeatable)
    : query_(query) {
  const auto among = [](std::initializer_list<std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [name, value] : query.items()) {
    if (among(repeatable, name)) continue;
    if (!among(known, name))
      wrong(name, "is not a parameter of this address");
    else if (query.all(name).size() > 1)
      wrong(name, "stands more than once");
  }
}

std::optional<std::string> QueryParams::text(std::string_view name) const {
  const std::string* value = query_.find(name);
  if (value == nullptr) return std::nullopt;
  return *value;
}

std::int64_t QueryParams::integer(std::string_view name, std::int64_t fallback, std::int64_t min,
                                  std::int64_t max) {
  const std::string* value = query_.find(name);
  if (value == nullptr) return fallback;
  std::int64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error == std::errc() && stop == end && number >= min && number <= max) return number;
  wrong(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return fallback;
}

std::int64_t QueryParams::duration_ms(std::string_view name, std::int64_t fallback_ms,
                                      std::int64_t max_ms) {
  const std::string* value = query_.find(name);
  if (value == nullptr) return fallback_ms;
  double seconds = 0;
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, seconds, std::chars_format::fixed);
  const bool fine = error == std::errc() && stop == end && std::isfinite(seconds) && seconds >= 0 &&
                    seconds * 1000 <= static_cast<double>(max_ms);
  if (fine) return static_cast<std::int64_t>(seconds * 1000);
  wrong(name, "must be a number of seconds from 0 to " + std::to_string(max_ms / 1000));
  return fallback_ms;
}

bool QueryParams::flag(std::string_view name) {
  const std::string* value = query_.find(name);
  if (value == nullptr) return false;
  if (value->empty() || *value == "true" || *value == "1") return true;
  if (*value != "false" && *value != "0") wrong(name, "must be true or false");
  return false;
}

std::optional<std::string> QueryParams::cursor(std::string_view list) {
  const std::string* value = query_.find("cursor");
  if (value == nullptr) return std::nullopt;
  auto position = wire::decode_cursor(list, *value);
  if (position) return std::move(*position);
  wrong("cursor", "is not one that this list gave");
  return std::nullopt;
}

void QueryParams::wrong(std::string_view name, std::string message) {
  wrong_.push_back({std::string(name), std::move(message)});
}

}  // namespace tandem::api
