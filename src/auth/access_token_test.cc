#include "auth/access_token.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/encoding.h"

namespace tandem::auth {
namespace {

constexpr std::string_view kSecret = "a secret of 32 bytes, for a test";
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"at+jwt"})";
constexpr std::string_view kClaims =
    R"({"iss":"tandem","sub":"01890a5d-ac96-774b-bcce-b302099a8057","aud":"tandem-api",)"
    R"("scope":"tasks","iat":1700000000,"exp":1700003600,)"
    R"("jti":"01890a5d-ac96-774b-bcce-b302099a8058"})";
constexpr WallTime kNow{1'700'000'100'000};

std::string sign(const std::string& signed_part, const EVP_MD* hash = EVP_sha256()) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  HMAC(hash, kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(signed_part.data()), signed_part.size(),
       digest.data(), &size);
  return to_base64url({reinterpret_cast<const char*>(digest.data()), size});
}

std::string make(std::string_view header, std::string_view claims) {
  const std::string text = to_base64url(header) + "." + to_base64url(claims);
  return text + "." + sign(text);
}

Errc refusal(std::string_view token, WallTime now = kNow) {
  const auto claims = verify_access_token(token, kSecret, now);
  EXPECT_FALSE(claims) << token;
  return claims ? Errc::internal : claims.error().code;
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string claims(kClaims);
  const std::size_t at = claims.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return claims.replace(at, from.size(), to);
}

TEST(AccessToken, ComesBack) {
  Claims claims;
  claims.client_id = *ClientId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  claims.scopes = {Scope::tasks, Scope::admin};
  claims.issued_at_s = 1'700'000'000;
  claims.expires_at_s = 1'700'003'600;
  claims.token_id = *parse_uuid("01890a5d-ac96-774b-bcce-b302099a8058");
  const std::string token = sign_access_token(claims, kSecret);
  EXPECT_EQ(*verify_access_token(token, kSecret, kNow), claims);
  EXPECT_FALSE(verify_access_token(token, "another secret, of 32 bytes also", kNow));
}

TEST(AccessToken, TakesATokenMadeByHand) {
  EXPECT_TRUE(verify_access_token(make(kHeader, kClaims), kSecret, kNow));
  EXPECT_TRUE(
      verify_access_token(make(R"({"typ":"at+jwt","alg":"HS256"})", kClaims), kSecret, kNow));
}

TEST(AccessToken, RefusesEveryOtherHeader) {
  for (const char* header :
       {R"({"alg":"none","typ":"at+jwt"})", R"({"alg":"None","typ":"at+jwt"})",
        R"({"alg":"HS512","typ":"at+jwt"})", R"({"alg":"RS256","typ":"at+jwt"})",
        R"({"alg":"hs256","typ":"at+jwt"})", R"({"alg":"HS256"})", R"({"alg":"HS256","typ":"JWT"})",
        R"({"alg":"HS256","typ":"at+jwt","kid":"../../dev/null"})",
        R"({"alg":"HS256","typ":"at+jwt","jku":"https://evil.example/keys"})",
        R"({"alg":"HS256","typ":"at+jwt","jwk":{}})", R"({"alg":"HS256","typ":"at+jwt","x5u":"x"})",
        R"({"alg":"HS256","typ":"at+jwt","crit":["exp"]})", R"({"alg":["HS256"],"typ":"at+jwt"})",
        R"({"alg":"none","alg":"HS256","typ":"at+jwt"})", R"({})", "", "null"})
    EXPECT_EQ(refusal(make(header, kClaims)), Errc::token_invalid) << header;
}

TEST(AccessToken, RefusesNoneWithoutASignature) {
  const std::string text =
      to_base64url(R"({"alg":"none","typ":"at+jwt"})") + "." + to_base64url(kClaims) + ".";
  EXPECT_EQ(refusal(text), Errc::token_invalid);
}

TEST(AccessToken, RefusesEveryAlteredCharacter) {
  const std::string token = make(kHeader, kClaims);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refusal(altered), Errc::token_invalid) << i;
  }
}

TEST(AccessToken, RefusesOtherForms) {
  const std::string token = make(kHeader, kClaims);
  const std::string body = token.substr(0, token.rfind('.'));
  for (std::size_t size = 0; size < token.size(); ++size)
    EXPECT_EQ(refusal(token.substr(0, size)), Errc::token_invalid) << size;
  // The last character carries 4 bits of the digest: its other two bits must be zero.
  std::string last_bits = token;
  last_bits.back() = static_cast<char>(last_bits.back() + 1);
  for (const std::string& form :
       {token + "=", token + ".", token + " ", " " + token, "." + token, token + "\n",
        token + std::string(1, '\0'), body + "..", body + ".=", body + "." + sign(body) + "AA",
        body + "." + sign(body, EVP_sha512()), body + "." + sign(body, EVP_sha1()), last_bits,
        std::string(), std::string("."), std::string(".."), std::string("..."),
        std::string(100'000, 'A')})
    EXPECT_EQ(refusal(form), Errc::token_invalid) << form.substr(0, 100);
}

TEST(AccessToken, RefusesStandardBase64AndPaddingInsideASignedToken) {
  for (const std::string& claims : {to_base64url(kClaims) + "=", to_base64url(kClaims) + "\n"}) {
    const std::string text = to_base64url(kHeader) + "." + claims;
    EXPECT_EQ(refusal(text + "." + sign(text)), Errc::token_invalid);
  }
}

TEST(AccessToken, RefusesWrongAndMissingClaims) {
  const std::string sub = R"("sub":"01890a5d-ac96-774b-bcce-b302099a8057",)";
  const std::string jti = R"(,"jti":"01890a5d-ac96-774b-bcce-b302099a8058")";
  for (const std::string& claims : {replaced(R"("iss":"tandem",)", ""),
                                    replaced(R"("iss":"tandem")", R"("iss":"other")"),
                                    replaced(sub, ""),
                                    replaced(sub, R"("sub":"x",)"),
                                    replaced(R"("aud":"tandem-api",)", ""),
                                    replaced("tandem-api", "other"),
                                    replaced(R"("tandem-api")", R"(["tandem-api"])"),
                                    replaced(R"("scope":"tasks",)", ""),
                                    replaced("tasks", ""),
                                    replaced("tasks", "root"),
                                    replaced("tasks", "tasks tasks"),
                                    replaced(R"("iat":1700000000,)", ""),
                                    replaced(R"("exp":1700003600,)", ""),
                                    replaced("1700003600", R"("1700003600")"),
                                    replaced("1700003600", "1700003600.5"),
                                    replaced("1700003600", "-1"),
                                    replaced("1700003600", "null"),
                                    replaced("1700003600", "1699999999"),
                                    replaced("1700003600", "99999999999999999"),
                                    replaced(jti, ""),
                                    replaced(jti, R"(,"jti":"x")"),
                                    replaced(jti, jti + R"(,"nbf":1)"),
                                    std::string("[]"),
                                    std::string("{}"),
                                    std::string("x"),
                                    std::string()})
    EXPECT_EQ(refusal(make(kHeader, claims)), Errc::token_invalid) << claims;
}

TEST(AccessToken, ExpiresAfterTheSkew) {
  const std::string token = make(kHeader, kClaims);
  const WallTime end{1'700'003'600'000};
  EXPECT_TRUE(verify_access_token(token, kSecret, end + 59'999));
  EXPECT_EQ(refusal(token, end + 60'000), Errc::token_expired);
  EXPECT_TRUE(verify_access_token(token, kSecret, WallTime{1'700'000'000'000 - 60'000}));
  EXPECT_EQ(refusal(token, WallTime{1'700'000'000'000 - 60'001}), Errc::token_invalid);
}

TEST(Scopes, ParseAndPrintSorted) {
  EXPECT_EQ(ScopeSet::parse("workers tasks admin")->text(), "admin tasks workers");
  for (const char* text :
       {"", " ", "tasks ", " tasks", "tasks  admin", "tasks tasks", "Tasks", "x"})
    EXPECT_FALSE(ScopeSet::parse(text)) << text;
  EXPECT_TRUE(ScopeSet({Scope::admin, Scope::tasks}).contains_all({Scope::tasks}));
  EXPECT_FALSE(ScopeSet({Scope::tasks}).contains(Scope::admin));
}

}  // namespace
}  // namespace tandem::auth
