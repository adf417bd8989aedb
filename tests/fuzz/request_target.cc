// The target of a request: path, segments and query.
#include <algorithm>
#include <cctype>

#include "base/encoding.h"
#include "net/request.h"
#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

std::string write(const net::Target& target) {
  std::string out;
  for (const std::string& segment : target.segments) {
    out += '/';
    append_escaped(out, segment);
  }
  char mark = '?';
  for (const auto& [name, value] : target.query.items()) {
    out += std::exchange(mark, '&');
    append_escaped(out, name);
    out += '=';
    append_escaped(out, value);
  }
  return out;
}

bool is_text(std::string_view text) { return is_utf8(text) && text.find('\0') == text.npos; }

}  // namespace

void check(std::string_view input) {
  const auto target = net::parse_target(input);
  if (!target) return;
  std::string path;
  for (const std::string& segment : target->segments) path += "/" + segment;
  TANDEM_ASSERT(!target->segments.empty() && path == target->path && is_text(path));
  TANDEM_ASSERT(input.ends_with(target->raw) || target->raw == "/");
  TANDEM_ASSERT(target->raw.starts_with('/'));
  for (const auto& [name, value] : target->query.items())
    TANDEM_ASSERT(is_text(name) && is_text(value));

  const auto again = net::parse_target(write(*target));
  TANDEM_ASSERT(again && again->segments == target->segments);
  TANDEM_ASSERT(again->query.items() == target->query.items());
}

}  // namespace tandem::fuzz
