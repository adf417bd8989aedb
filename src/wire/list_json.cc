#include "wire/list_json.h"

#include <cstdint>
#include <string>

#include "base/encoding.h"

namespace tandem::wire {
namespace {

// FNV-1a, 64 bits: finds what was altered by accident or by hand. A cursor gives no right to
// anything, so it needs no signature.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(hash >> shift));
  return bytes;
}

constexpr std::size_t kChecksumBytes = 8, kMaxCursorBytes = 1024;

}  // namespace

std::string encode_cursor(std::string_view list, std::string_view position) {
  std::string text(list);
  text.push_back('\0');
  text.append(position);
  return to_base64url(checksum(text) + text);
}

Result<std::string> decode_cursor(std::string_view list, std::string_view cursor) {
  const Error altered =
      fail(Errc::validation_failed, "is not a cursor that this list gave out", "cursor");
  if (cursor.size() > kMaxCursorBytes) return altered;
  const auto bytes = from_base64url(cursor);
  if (!bytes || bytes->size() < kChecksumBytes) return altered;
  const std::string_view text = std::string_view(*bytes).substr(kChecksumBytes);
  if (checksum(text) != bytes->substr(0, kChecksumBytes)) return altered;
  const std::size_t border = text.find('\0');
  if (border == std::string_view::npos || text.substr(0, border) != list) return altered;
  return std::string(text.substr(border + 1));
}

}  // namespace tandem::wire
