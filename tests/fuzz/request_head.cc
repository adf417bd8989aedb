// Requests as they come from a connection: head and body. Bounds have tests of their own; within
// them the pieces in which a request comes make no difference.
#include <algorithm>

#include "net/request_parser.h"
#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

constexpr std::size_t kMaxHeadBytes = 4096, kMaxBodyBytes = 1024;

struct Parsed {
  net::RequestHead head;
  std::string body;
  std::size_t used = 0;  // of the input
  bool complete = false, refused = false;
};

Parsed refused() {
  Parsed parsed;
  parsed.refused = true;
  return parsed;
}

// Feeds the body, as much as there is. False: refused.
bool read_body(net::RequestParser& parser, std::string_view rest, Parsed& parsed) {
  const auto used = parser.read_body(rest, parsed.body);
  if (!used) return false;
  TANDEM_ASSERT(*used <= rest.size());
  parsed.used += *used;
  return true;
}

Parsed read_whole(std::string_view input) {
  net::RequestParser parser(kMaxHeadBytes);
  Parsed parsed;
  const auto head = parser.read_head(input, parsed.head);
  if (!head) return refused();
  if (*head == 0) return parsed;
  parsed.used = *head;
  parser.set_body_limit(kMaxBodyBytes);
  if (!read_body(parser, input.substr(*head), parsed)) return refused();
  parsed.complete = parser.is_complete();
  return parsed;
}

Parsed read_in_pieces(std::string_view input) {
  net::RequestParser parser(kMaxHeadBytes);
  Parsed parsed;
  std::size_t have = 0;
  for (Pieces pieces(input); !pieces.at_end() && !parsed.complete;) {
    have += pieces.next().size();
    const std::string_view data = input.substr(0, have);
    if (parsed.used == 0) {
      const auto head = parser.read_head(data, parsed.head);
      if (!head) return refused();
      if (*head == 0) continue;
      parsed.used = *head;
      parser.set_body_limit(kMaxBodyBytes);
    }
    if (!read_body(parser, data.substr(parsed.used), parsed)) return refused();
    parsed.complete = parser.is_complete();
  }
  return parsed;
}

void check_same(const Parsed& a, const Parsed& b) {
  TANDEM_ASSERT(a.refused == b.refused && a.complete == b.complete);
  TANDEM_ASSERT(a.head.method == b.head.method && a.head.target.raw == b.head.target.raw);
  TANDEM_ASSERT(a.head.target.segments == b.head.target.segments);
  TANDEM_ASSERT(a.head.version_minor == b.head.version_minor);
  TANDEM_ASSERT(a.head.headers.fields() == b.head.headers.fields());
  TANDEM_ASSERT(a.head.content_length == b.head.content_length);
  TANDEM_ASSERT(a.head.chunked == b.head.chunked && a.body == b.body);
}

// What two readers could understand in two ways was refused.
void check_head(const net::RequestHead& head) {
  const auto& headers = head.headers;
  TANDEM_ASSERT(!(head.chunked && head.content_length));
  TANDEM_ASSERT(head.chunked == (headers.count("transfer-encoding") == 1));
  TANDEM_ASSERT(head.content_length.has_value() == (headers.count("content-length") == 1));
  TANDEM_ASSERT(headers.count("host") == 1 || (head.version_minor == 0 && !headers.find("host")));
  for (const auto& [name, value] : headers.fields()) {
    TANDEM_ASSERT(!name.empty() && name.find_first_of(" \t:\r\n") == name.npos);
    TANDEM_ASSERT(value.find_first_of(std::string_view("\0\r\n", 3)) == value.npos);
  }
}

std::string write(const Parsed& parsed) {
  std::string out = parsed.head.method + " " + parsed.head.target.raw + " HTTP/1." +
                    std::to_string(parsed.head.version_minor) + "\r\n";
  for (const auto& [name, value] : parsed.head.headers.fields())
    out += name + ": " + value + "\r\n";
  out += "\r\n";
  if (!parsed.head.chunked) return out + parsed.body;
  if (!parsed.body.empty()) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string size;
    for (std::size_t rest = parsed.body.size(); rest > 0; rest /= 16) size = kHex[rest % 16] + size;
    out += size + "\r\n" + parsed.body + "\r\n";
  }
  return out + "0\r\n\r\n";
}

}  // namespace

void check(std::string_view input) {
  if (input.size() > kMaxHeadBytes / 2) return;
  const Parsed parsed = read_whole(input);
  const Parsed in_pieces = read_in_pieces(input);
  check_same(parsed, in_pieces);
  if (parsed.used == 0) return;
  check_head(parsed.head);
  TANDEM_ASSERT(parsed.body.size() <= kMaxBodyBytes);
  if (!parsed.complete) return;
  TANDEM_ASSERT(parsed.used == in_pieces.used);
  const std::string written = write(parsed);
  const Parsed again = read_whole(written);
  TANDEM_ASSERT(again.used == written.size());
  check_same(parsed, again);
}

}  // namespace tandem::fuzz
