#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"

namespace tandem::wire {

// A strictly read JSON text with its memory: small ones need no heap. The only way in for JSON from
// outside. Refused, as bad_json: more than limits::kMaxJsonDepth levels, the same member twice,
// invalid UTF-8, lone surrogates, NaN and infinities, comments, anything behind the value.
// Neither copied nor moved; `text` must live as long.
class Document {
 public:
  Document() : memory_(buffer_, sizeof buffer_) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // Once per object.
  Result<void> parse(std::string_view text);
  const boost::json::value& root() const { return *root_; }  // after parse() succeeded
  std::string_view text() const { return text_; }

 private:
  unsigned char buffer_[4096];
  boost::json::monotonic_resource memory_;
  boost::json::value* root_ = nullptr;  // lives in memory_, which frees it without a destructor
  std::string_view text_;
};

inline std::string_view view(const boost::json::string& text) { return {text.data(), text.size()}; }

}  // namespace tandem::wire
