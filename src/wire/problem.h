#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "wire/decoded.h"

namespace tandem::wire {

// An application/problem+json document (RFC 9457): type, title, status, code, detail, request_id,
// and errors where there are some. An error with a `field` and no `fields` gets one entry.
std::string encode_problem(const Error& error, std::string_view request_id,
                           std::span<const FieldError> fields = {});
// The same, with RFC 6749's members `error` and `error_description`: for /token*.
std::string encode_oauth_problem(const Error& error, std::string_view request_id,
                                 std::span<const FieldError> fields = {});
std::string_view oauth_name(Errc code);  // the value of RFC 6749's `error`

// A problem document read by a client; any other text gives `fallback`.
struct Problem {
  Error error;
  std::string code;  // also where it is none that we know
  std::string request_id;
  std::vector<FieldError> fields;
};
Problem decode_problem(std::string_view body, Errc fallback);

}  // namespace tandem::wire
