#include "net/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace tandem::net {
namespace {

// `Date: …\r\n`, made anew once a second on each thread.
std::string_view date_line() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 64> line{};
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    size = std::strftime(line.data(), line.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    made_at = now;
  }
  return {line.data(), size};
}

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 6> kOurs = {
      "content-length", "transfer-encoding", "connection", "date", "x-request-id", "keep-alive"};
  return std::ranges::any_of(kOurs, [&](std::string_view own) { return same_name(own, name); });
}

bool is_clean(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

}  // namespace

void append_head(std::string& out, const Response& response, const Framing& framing,
                 std::string_view request_id) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  out += date_line();
  for (const auto& [name, value] : response.headers.fields()) {
    if (is_ours(name) || !is_clean(name) || !is_clean(value)) continue;
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (!request_id.empty()) {
    out += "X-Request-Id: ";
    out += request_id;
    out += "\r\n";
  }
  if (framing.has_body && framing.content_length) {
    out += "Content-Length: ";
    append_number(out, *framing.content_length);
    out += "\r\n";
  } else if (framing.has_body && framing.chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (!framing.keep_alive) {
    out += "Connection: close\r\n";
  } else if (framing.version_minor == 0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

RequestIds::RequestIds(Random& random) {
  constexpr char kHex[] = "0123456789abcdef";
  std::uint64_t bits = random.next();
  for (int i = 0; i < 12; ++i, bits >>= 4) prefix_ += kHex[bits & 15];
  prefix_ += '-';
}

std::string RequestIds::of(std::string_view from_client) {
  const bool sane = !from_client.empty() && from_client.size() <= 128 &&
                    std::ranges::all_of(from_client, [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == ':';
                    });
  if (sane) return std::string(from_client);
  std::string id = prefix_;
  append_number(id, ++next_);
  return id;
}

}  // namespace tandem::net
