#include "logs/redis/redis_address.h"

#include <charconv>
#include <optional>

namespace tandem::logs {
namespace {

constexpr std::string_view kScheme = "redis://";
constexpr int kMaxDb = 1'000'000;

Error wrong(const std::string& what) {
  return fail(Errc::validation_failed, what + " (redis://[user[:password]@]host[:port][/db])");
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(&text[i + 1], &text[i] + 3, byte, 16);
    if (error != std::errc{} || end != &text[i] + 3) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

bool take_credentials(std::string_view text, RedisAddress& address) {
  const std::size_t colon = text.find(':');
  const auto user = percent_decoded(text.substr(0, colon));
  const auto password = colon == text.npos ? "" : percent_decoded(text.substr(colon + 1));
  if (!user || !password) return false;
  address.user = *user;
  address.password = *password;
  return true;
}

// false where it is no host and port.
bool take_place(std::string_view text, RedisAddress& address) {
  std::string_view host = text, port;
  if (const std::size_t colon = text.rfind(':'); colon != text.npos && !text.ends_with(']')) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (!parse_number(port, address.port) || address.port == 0) return false;
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.host = host;
  return !host.empty();
}

}  // namespace

Result<RedisAddress> parse_redis_url(std::string_view url) {
  if (!url.starts_with(kScheme)) return wrong("must begin with redis://");
  url.remove_prefix(kScheme.size());
  RedisAddress address;
  if (const std::size_t at = url.rfind('@'); at != url.npos) {
    if (!take_credentials(url.substr(0, at), address))
      return wrong("has a user or a password that is not percent-encoded");
    url.remove_prefix(at + 1);
  }
  if (url.find_first_of("?#") != url.npos) return wrong("has parameters, which it can't have");
  if (const std::size_t slash = url.find('/'); slash != url.npos) {
    const std::string_view db = url.substr(slash + 1);
    const bool is_db = parse_number(db, address.db) && address.db >= 0 && address.db <= kMaxDb;
    if (!db.empty() && !is_db) return wrong("has no number for its database");
    url = url.substr(0, slash);
  }
  if (!take_place(url, address)) return wrong("has no host, or a port that is none");
  return address;
}

}  // namespace tandem::logs
