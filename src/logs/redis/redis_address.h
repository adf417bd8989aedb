#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::logs {

// Where a Redis is, and as whom to come: redis://[user[:password]@]host[:port][/db]. The user and
// the password are percent-decoded; `redis://:secret@host` has a password and no user.
struct RedisAddress {
  std::string host;  // without brackets for IPv6
  std::uint16_t port = 6379;
  std::string user, password;
  int db = 0;
};

// Errors: validation_failed; the sentence says what is wrong and holds no part of the password.
Result<RedisAddress> parse_redis_url(std::string_view url);

}  // namespace tandem::logs
