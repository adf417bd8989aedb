#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::api {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// A Range header (RFC 9110 section 14) for a file of this size. Nothing where it is to be passed
// over: another unit, several ranges, or not readable. range_not_satisfiable where it lies outside.
Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size_bytes);

// Is the entity tag among those of an If-None-Match header? Weak comparison.
bool has_etag(std::string_view header, std::string_view etag);

// Content-Disposition for a download under this name, whatever characters it has.
std::string attachment_named(std::string_view name);

}  // namespace tandem::api
