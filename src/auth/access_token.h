#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/scope.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

// Access tokens: JWT (RFC 9068) signed with HS256, and nothing else.
namespace tandem::auth {

inline constexpr std::string_view kIssuer = "tandem";
inline constexpr std::string_view kAudience = "tandem-api";
inline constexpr std::int64_t kSkewMs = 60'000;
inline constexpr std::size_t kMaxTokenBytes = 2048;

struct Claims {
  ClientId client_id;  // sub
  ScopeSet scopes;
  std::int64_t issued_at_s = 0;   // iat
  std::int64_t expires_at_s = 0;  // exp
  Uuid token_id;                  // jti
  bool operator==(const Claims&) const = default;
};

// Signs with the secret.
std::string sign_access_token(const Claims& claims, std::string_view secret);

// Checks form, signature and claims, in this order; the signature in constant time. Blocks nothing.
// Errors: token_invalid, token_expired.
Result<Claims> verify_access_token(std::string_view token, std::string_view secret, WallTime now);

// The part that is checked each time a verified token is seen. Errors as above.
Result<void> check_times(const Claims& claims, WallTime now);

class TokenIssuer {
 public:
  // All borrowed but the secret.
  TokenIssuer(std::string secret, std::int64_t ttl_ms, const Clock& clock, IdSource& ids);
  struct Issued {
    std::string token;
    std::int64_t expires_in_s = 0;
    Claims claims;
  };
  Issued issue(ClientId client, ScopeSet scopes) const;  // thread-safe

 private:
  std::string secret_;
  std::int64_t ttl_ms_;
  const Clock& clock_;
  IdSource& ids_;
};

}  // namespace tandem::auth
