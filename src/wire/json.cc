#include "wire/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <new>
#include <string>

#include "base/limits.h"

namespace tandem::wire {
namespace {

namespace json = boost::json;
using ErrorCode = boost::system::error_code;

// Builds the tree and counts the members that were read: an object drops doubles silently, so a
// tree with fewer members than were read had some.
class Builder {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  Builder() : stack_(json::storage_ptr(), scratch_, sizeof scratch_) {}

  void reset(json::storage_ptr memory) { stack_.reset(std::move(memory)); }
  json::value release() { return stack_.release(); }
  std::size_t members() const { return members_; }
  bool finite() const { return finite_; }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode&) { return true; }
  bool on_object_end(std::size_t size, ErrorCode&) {
    stack_.push_object(size);
    return true;
  }
  bool on_array_begin(ErrorCode&) { return true; }
  bool on_array_end(std::size_t size, ErrorCode&) {
    stack_.push_array(size);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, ErrorCode&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, ErrorCode&) {
    stack_.push_key(part);
    ++members_;
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, ErrorCode&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, ErrorCode&) {
    stack_.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, ErrorCode&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, ErrorCode&) {
    stack_.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, ErrorCode&) {
    stack_.push_uint64(number);
    return true;
  }
  bool on_double(double number, json::string_view, ErrorCode&) {
    finite_ = finite_ && std::isfinite(number);
    stack_.push_double(number);
    return true;
  }
  bool on_bool(bool flag, ErrorCode&) {
    stack_.push_bool(flag);
    return true;
  }
  bool on_null(ErrorCode&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, ErrorCode&) { return true; }
  bool on_comment(json::string_view, ErrorCode&) { return true; }

 private:
  unsigned char scratch_[2048];
  json::value_stack stack_;
  std::size_t members_ = 0;
  bool finite_ = true;
};

std::size_t count_members(const json::value& value) {
  std::size_t count = 0;
  if (const json::object* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object)
      if (member.value().is_structured()) count += count_members(member.value());
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array)
      if (element.is_structured()) count += count_members(element);
  }
  return count;
}

json::parse_options strict() {
  json::parse_options options;
  options.max_depth = limits::kMaxJsonDepth;
  return options;
}

Error explain(const ErrorCode& code, std::size_t offset) {
  if (code == json::error::too_deep)
    return fail(Errc::bad_json, "The JSON is nested deeper than " +
                                    std::to_string(limits::kMaxJsonDepth) + " levels");
  if (code == json::error::incomplete) return fail(Errc::bad_json, "The JSON ends too early");
  return fail(Errc::bad_json,
              "The JSON can't be read at byte " + std::to_string(offset) + ": " + code.message());
}

}  // namespace

Result<void> Document::parse(std::string_view text) {
  text_ = text;
  json::basic_parser<Builder> parser(strict());
  parser.handler().reset(json::storage_ptr(&memory_));
  ErrorCode code;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), code);
  if (code) return explain(code, read);
  if (read < text.size())
    return fail(Errc::bad_json, "Something follows the JSON value at byte " + std::to_string(read));
  if (!parser.handler().finite())
    return fail(Errc::bad_json, "The JSON holds a number that is too large");
  void* place = memory_.allocate(sizeof(json::value), alignof(json::value));
  root_ = ::new (place) json::value(parser.handler().release());
  if (count_members(*root_) != parser.handler().members())
    return fail(Errc::bad_json, "An object of the JSON has the same member twice");
  return {};
}

}  // namespace tandem::wire
