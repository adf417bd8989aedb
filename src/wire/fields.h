#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "wire/decoded.h"
#include "wire/json.h"

namespace tandem::wire {

// Reads the members of one object and notes everything that is wrong with them. A member that is
// null counts as absent. What was not asked for by name is unknown, and noted by finish().
class Fields {
 public:
  // All borrowed. `prefix` stands before the names in errors: "tasks[3]."
  Fields(const boost::json::object& object, std::string_view prefix,
         std::vector<FieldError>& errors)
      : object_(object), prefix_(prefix), errors_(errors) {}

  const boost::json::value* find(std::string_view name);  // null: absent
  bool has(std::string_view name);

  // Each writes `out` only where the member is there and right, and answers whether it did.
  bool text(std::string_view name, std::string& out, std::size_t max_bytes);  // any characters
  bool name(std::string_view name, std::string& out, std::size_t max_bytes);  // one line, not empty
  bool names(std::string_view name, std::vector<std::string>& out, std::size_t max_bytes);
  bool integer(std::string_view name, std::int64_t& out, std::int64_t min, std::int64_t max);
  bool integer(std::string_view name, int& out, int min, int max);
  bool number(std::string_view name, double& out, double min, double max);
  bool boolean(std::string_view name, bool& out);
  bool seconds(std::string_view name, std::int64_t& out_ms, std::int64_t min_ms,
               std::int64_t max_ms);
  bool seconds(std::string_view name, std::optional<std::int64_t>& out_ms, std::int64_t min_ms,
               std::int64_t max_ms);
  bool time(std::string_view name, std::optional<WallTime>& out);
  bool labels(std::string_view name, std::map<std::string, std::string>& out);
  // Null where the member is absent, or noted as wrong.
  const boost::json::object* object(std::string_view name);
  const boost::json::array* array(std::string_view name, std::size_t min, std::size_t max);

  void required(std::string_view name);  // notes it where it is absent
  void wrong(std::string_view name, std::string message);
  // Notes what is unknown, and what is known but read-only.
  void finish(std::span<const std::string_view> read_only = {});

 private:
  const boost::json::object& object_;
  std::string_view prefix_;
  std::vector<FieldError>& errors_;
  std::array<std::string_view, 24> known_;
  std::size_t known_count_ = 0;
};

// Parses a body that must be an object; the document owns what is answered.
// Errors: bad_json; validation_failed where it is of another kind.
Decoded<const boost::json::object*> object_of(Document& document, std::string_view text);

// Is it one line: no control characters (U+0000…U+001F, U+007F)?
bool is_one_line(std::string_view text);
bool is_job_type(std::string_view text);
bool is_http_url(std::string_view text);
constexpr std::size_t kMaxFieldErrors = 100;  // more are not told

}  // namespace tandem::wire
