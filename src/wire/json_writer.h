#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace tandem::wire {

// Appends compact JSON to a string. Places the commas; that brackets match and that each member has
// a key is up to the caller. Invalid UTF-8 in a string becomes U+FFFD. Numbers that are not finite
// become null.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);     // a plain name: written without escapes
  JsonWriter& key_of(std::string_view name);  // any name
  JsonWriter& text_map(const std::map<std::string, std::string>& map);  // {"k": "v", …}
  JsonWriter& text_list(const std::vector<std::string>& list);          // ["a", …]

  JsonWriter& string(std::string_view text);
  JsonWriter& string_or_null(std::string_view text);  // empty: null
  JsonWriter& integer(std::int64_t number);
  JsonWriter& number(double number);
  JsonWriter& boolean(bool flag);
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);          // JSON text as it is
  JsonWriter& raw_or_null(std::string_view json);  // empty: null
  JsonWriter& seconds(std::int64_t ms);            // 1500 → 1.5
  JsonWriter& seconds_or_null(const std::optional<std::int64_t>& ms);
  JsonWriter& time(WallTime time);
  JsonWriter& time_or_null(const std::optional<WallTime>& time);
  JsonWriter& id(const Uuid& id);
  JsonWriter& id_or_null(const Uuid& id);  // nil: null
  JsonWriter& integer_or_null(const std::optional<int>& number);

  // key and string in one.
  JsonWriter& member(std::string_view name, std::string_view text) {
    return key(name).string(text);
  }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string& out_;
  bool comma_ = false;  // a value stands before, at this level
};

void append_json_string(std::string& out, std::string_view text);

}  // namespace tandem::wire
