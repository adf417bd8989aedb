#include "auth/access_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "auth/secret.h"
#include "base/assert.h"
#include "base/encoding.h"

namespace tandem::auth {
namespace {

namespace json = boost::json;

// The only headers that are taken, byte for byte: nothing in a header is ever acted upon.
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"at+jwt"})";
constexpr std::string_view kHeaderTurned = R"({"typ":"at+jwt","alg":"HS256"})";
constexpr std::size_t kSignatureChars = 43, kClaimCount = 7;
constexpr std::int64_t kMaxSeconds = 253402300799;  // the end of the year 9999

std::string signature_of(std::string_view text, std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  TANDEM_ASSERT(made != nullptr && size == 32);
  return to_base64url({reinterpret_cast<const char*>(digest.data()), size});
}

const Error& invalid() {
  static const Error error = fail(Errc::token_invalid);
  return error;
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::optional<std::int64_t> seconds_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  const std::int64_t seconds = value->get_int64();
  if (seconds < 0 || seconds > kMaxSeconds) return std::nullopt;
  return seconds;
}

std::optional<Claims> read_claims(std::string_view encoded) {
  const auto text = from_base64url(encoded);
  if (!text) return std::nullopt;
  boost::system::error_code code;
  const json::value root = json::parse(*text, code);
  const json::object* object = code ? nullptr : root.if_object();
  if (object == nullptr || object->size() != kClaimCount) return std::nullopt;
  if (text_of(*object, "iss") != kIssuer || text_of(*object, "aud") != kAudience)
    return std::nullopt;
  const auto client = ClientId::parse(text_of(*object, "sub"));
  const auto token_id = parse_uuid(text_of(*object, "jti"));
  const auto scopes = ScopeSet::parse(text_of(*object, "scope"));
  const auto issued = seconds_of(*object, "iat"), expires = seconds_of(*object, "exp");
  if (!client || !token_id || !scopes || !issued || !expires || *expires <= *issued)
    return std::nullopt;
  return Claims{*client, *scopes, *issued, *expires, *token_id};
}

std::string encode_claims(const Claims& claims) {
  // Nothing in here needs an escape.
  return std::string(R"({"iss":")").append(kIssuer) + R"(","sub":")" + to_string(claims.client_id) +
         R"(","aud":")" + std::string(kAudience) + R"(","scope":")" + claims.scopes.text() +
         R"(","iat":)" + std::to_string(claims.issued_at_s) + R"(,"exp":)" +
         std::to_string(claims.expires_at_s) + R"(,"jti":")" + to_string(claims.token_id) + R"("})";
}

}  // namespace

Result<void> check_times(const Claims& claims, WallTime now) {
  if (now.ms >= claims.expires_at_s * 1000 + kSkewMs) return fail(Errc::token_expired);
  if (claims.issued_at_s * 1000 > now.ms + kSkewMs) return invalid();
  return {};
}

std::string sign_access_token(const Claims& claims, std::string_view secret) {
  std::string token = to_base64url(kHeader) + "." + to_base64url(encode_claims(claims));
  return token + "." + signature_of(token, secret);
}

Result<Claims> verify_access_token(std::string_view token, std::string_view secret, WallTime now) {
  static const std::array kHeaders = {to_base64url(kHeader), to_base64url(kHeaderTurned)};
  if (token.size() > kMaxTokenBytes) return invalid();
  const std::size_t first = token.find('.'), last = token.rfind('.');
  if (first == std::string_view::npos || first == last) return invalid();
  const std::string_view header = token.substr(0, first), signature = token.substr(last + 1);
  if (header != kHeaders[0] && header != kHeaders[1]) return invalid();
  if (signature.size() != kSignatureChars) return invalid();
  if (!equal_in_constant_time(signature_of(token.substr(0, last), secret), signature))
    return invalid();
  const auto claims = read_claims(token.substr(first + 1, last - first - 1));
  if (!claims) return invalid();
  if (auto in_time = check_times(*claims, now); !in_time) return in_time.error();
  return *claims;
}

TokenIssuer::TokenIssuer(std::string secret, std::int64_t ttl_ms, const Clock& clock, IdSource& ids)
    : secret_(std::move(secret)), ttl_ms_(ttl_ms), clock_(clock), ids_(ids) {}

TokenIssuer::Issued TokenIssuer::issue(ClientId client, ScopeSet scopes) const {
  Issued issued;
  issued.expires_in_s = ttl_ms_ / 1000;
  issued.claims.client_id = client;
  issued.claims.scopes = scopes;
  issued.claims.issued_at_s = clock_.wall().ms / 1000;
  issued.claims.expires_at_s = issued.claims.issued_at_s + issued.expires_in_s;
  issued.claims.token_id = ids_.next();
  issued.token = sign_access_token(issued.claims, secret_);
  return issued;
}

}  // namespace tandem::auth
