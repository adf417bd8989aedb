#include "api/byte_range.h"

#include <algorithm>
#include <charconv>

namespace tandem::api {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end) return UINT64_MAX;
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size_bytes) {
  const std::optional<ByteRange> whole;
  header = trimmed(header);
  if (!header.starts_with("bytes=")) return whole;
  header = trimmed(header.substr(6));
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return whole;
  const std::string_view from = header.substr(0, dash), to = header.substr(dash + 1);
  const auto outside = [size_bytes] {
    return fail(Errc::range_not_satisfiable,
                "The file has " + std::to_string(size_bytes) + " bytes");
  };
  if (from.empty()) {  // the last so many
    const auto count = number(to);
    if (!count) return whole;
    if (*count == 0 || size_bytes == 0) return outside();
    const std::uint64_t length = std::min(*count, size_bytes);
    return std::optional(ByteRange{size_bytes - length, length});
  }
  const auto first = number(from);
  const auto last = to.empty() ? std::optional(UINT64_MAX) : number(to);
  if (!first || !last || *last < *first) return whole;
  if (*first >= size_bytes) return outside();
  return std::optional(ByteRange{*first, std::min(*last, size_bytes - 1) - *first + 1});
}

bool has_etag(std::string_view header, std::string_view etag) {
  if (trimmed(header) == "*") return true;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    std::string_view one = trimmed(header.substr(0, comma));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
  }
  return false;
}

std::string attachment_named(std::string_view name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string plain, encoded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                         (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_';
    plain += is_word || c == ' ' ? c : '_';
    if (is_word) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

}  // namespace tandem::api
