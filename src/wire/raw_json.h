#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// Views into a JSON text, without a tree: for members that are passed on as they came, and for
// callers that must not know Boost.JSON. All but check_json() expect text that was checked before.
namespace tandem::wire {

// The rules of Document::parse. Errors: bad_json.
Result<void> check_json(std::string_view text);

// The text of a member's value, without blanks around it; nothing where `object` is no object or
// has no such member.
std::optional<std::string_view> raw_member(std::string_view object, std::string_view key);
// The texts of an array's elements; empty where it is no array.
std::vector<std::string_view> raw_elements(std::string_view array);
// The members of an object in their order; keys are unescaped.
std::vector<std::pair<std::string, std::string_view>> raw_members(std::string_view object);

// Nothing where the text is of another kind.
std::optional<std::string> raw_string(std::string_view value);
std::optional<std::int64_t> raw_integer(std::string_view value);
std::optional<double> raw_number(std::string_view value);
std::optional<bool> raw_bool(std::string_view value);

// raw_member and raw_string in one; empty where there is none.
std::string string_member(std::string_view object, std::string_view key);

// Appends the text without the blanks between its tokens; numbers and escapes stay as they are.
void append_compact(std::string& out, std::string_view text);

}  // namespace tandem::wire
