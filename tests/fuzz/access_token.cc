// Access tokens. The secret is known here, so that the input can also be what stands before a good
// signature: a fuzzer would not find one.
#include "auth/access_token.h"

#include <openssl/hmac.h>

#include "auth/secret.h"
#include "base/encoding.h"
#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

constexpr std::string_view kSecret = "a secret of forty bytes for the fuzzing.";
constexpr WallTime kNow{1'800'000'000'000};

// Not the product's own signature.
std::string sign(std::string_view text) {
  unsigned char digest[32];
  unsigned int size = sizeof digest;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  TANDEM_ASSERT(size == sizeof digest);
  return to_base64url({reinterpret_cast<const char*>(digest), size});
}

void check_accepted(std::string_view token, const auth::Claims& claims) {
  const std::size_t dot = token.rfind('.');
  TANDEM_ASSERT(dot != token.npos && token.size() <= auth::kMaxTokenBytes);
  TANDEM_ASSERT(token.substr(dot + 1) == sign(token.substr(0, dot)));
  TANDEM_ASSERT(claims.issued_at_s < claims.expires_at_s);
  TANDEM_ASSERT(auth::check_times(claims, kNow));
  const auto again =
      auth::verify_access_token(auth::sign_access_token(claims, kSecret), kSecret, kNow);
  TANDEM_ASSERT(again && *again == claims);

  TANDEM_ASSERT(
      !auth::verify_access_token(token, "another secret of the same length ......", kNow));
  std::string altered(token);
  Pieces chance(token);
  altered[chance.below(altered.size())] ^= static_cast<char>(1 + chance.below(127));
  TANDEM_ASSERT(!auth::verify_access_token(altered, kSecret, kNow));
}

void check_token(std::string_view token) {
  const auto claims = auth::verify_access_token(token, kSecret, kNow);
  if (claims) return check_accepted(token, *claims);
  TANDEM_ASSERT(claims.error().code == Errc::token_invalid ||
                claims.error().code == Errc::token_expired);
}

}  // namespace

// The input as a token; as header and claims, encoded; and as the claims' text.
void check(std::string_view input) {
  check_token(input);
  check_token(std::string(input) + "." + sign(input));
  const std::string claims =
      to_base64url(R"({"alg":"HS256","typ":"at+jwt"})") + "." + to_base64url(input);
  check_token(claims + "." + sign(claims));
}

}  // namespace tandem::fuzz
