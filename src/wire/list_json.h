#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/json_writer.h"

namespace tandem::wire {

// An opaque place in a list: base64url of `list`'s name, the position and a checksum. The position
// is any text, such as the last id of a page. A cursor of another list does not decode.
std::string encode_cursor(std::string_view list, std::string_view position);
// Errors: validation_failed (field cursor) where it was altered.
Result<std::string> decode_cursor(std::string_view list, std::string_view cursor);

// {items: […], next_cursor}: write each item between the constructor and finish().
class ListWriter {
 public:
  explicit ListWriter(std::string& out) : writer_(out) {
    writer_.begin_object().key("items").begin_array();
  }
  JsonWriter& items() { return writer_; }
  void finish(std::string_view next_cursor) {  // empty: null, the last page
    writer_.end_array().key("next_cursor").string_or_null(next_cursor).end_object();
  }

 private:
  JsonWriter writer_;
};

}  // namespace tandem::wire
