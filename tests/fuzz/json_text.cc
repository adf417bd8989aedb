// The one reader of JSON from outside, and the views into a text that it has taken.
#include "wire/json.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cmath>

#include "base/encoding.h"
#include "tests/fuzz/target.h"
#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::fuzz {
namespace {

namespace json = boost::json;

std::string_view key_of(const json::key_value_pair& member) {
  return {member.key().data(), member.key().size()};
}

json::value read(std::string_view text) {
  json::parse_options options;
  options.max_depth = 100;
  return json::parse(json::string_view(text.data(), text.size()), {}, options);
}

// Boost reads the same digits as doubles that differ in the last place, by what follows them.
bool is_near(double a, double b) { return std::abs(a - b) <= 1e-15 * std::abs(b); }

void check_scalar(const json::value& value, std::string_view text) {
  if (value.is_string()) {
    const std::string_view string = wire::view(value.get_string());
    TANDEM_ASSERT(is_utf8(string) && wire::raw_string(text) == string);
    std::string written;
    wire::JsonWriter(written).string(string);
    TANDEM_ASSERT(wire::check_json(written) && wire::raw_string(written) == string);
  } else if (value.is_bool()) {
    TANDEM_ASSERT(wire::raw_bool(text) == value.get_bool());
  } else if (value.is_int64()) {
    TANDEM_ASSERT(wire::raw_integer(text) == value.get_int64());
  } else if (value.is_number()) {
    const auto number = wire::raw_number(text);
    TANDEM_ASSERT(number && is_near(*number, value.to_number<double>()));
  } else {
    TANDEM_ASSERT(value.is_null() && text == "null");
  }
}

// `text` is what the views say that the text of `value` is.
void check_views(const json::value& value, std::string_view text) {
  TANDEM_ASSERT(read(text).kind() == value.kind());
  if (const json::array* array = value.if_array()) {
    const auto elements = wire::raw_elements(text);
    TANDEM_ASSERT(elements.size() == array->size());
    for (std::size_t i = 0; i < elements.size(); ++i) check_views((*array)[i], elements[i]);
  } else if (const json::object* object = value.if_object()) {
    const auto members = wire::raw_members(text);
    TANDEM_ASSERT(members.size() == object->size());
    for (const json::key_value_pair& member : *object) {
      const auto raw = wire::raw_member(text, key_of(member));
      TANDEM_ASSERT(raw.has_value());
      check_views(member.value(), *raw);
    }
  } else {
    check_scalar(value, text);
  }
}

}  // namespace

void check(std::string_view input) {
  wire::Document document;
  const auto parsed = document.parse(input);
  if (!parsed) {
    TANDEM_ASSERT(parsed.error().code == Errc::bad_json && is_utf8(parsed.error().detail));
    return;
  }
  TANDEM_ASSERT(is_utf8(input));
  std::string compact, twice;
  wire::append_compact(compact, input);
  wire::append_compact(twice, compact);
  TANDEM_ASSERT(compact == twice && compact.size() <= input.size());
  TANDEM_ASSERT(wire::check_json(compact));
  check_views(document.root(), compact);
  TANDEM_ASSERT(!wire::check_json(std::string(input) + " x"));
  const std::size_t begin = input.find_first_not_of(" \t\r\n");
  check_views(document.root(), input.substr(begin, input.find_last_not_of(" \t\r\n") + 1 - begin));
}

}  // namespace tandem::fuzz
