#include "auth/token_verifier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/manual_clock.h"

namespace tandem::auth {
namespace {

class TokenVerifierTest : public testing::Test {
 protected:
  std::string token_of(const std::string& secret) {
    return TokenIssuer(secret, 60'000, clock_, ids_)
        .issue(ids_.make<ClientId>(), {Scope::tasks})
        .token;
  }
  ManualClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  const std::string current_ = std::string(32, 'c'), previous_ = std::string(32, 'p');
};

TEST_F(TokenVerifierTest, KnowsBothSecretsAndNoOther) {
  TokenVerifier verifier(current_, previous_, clock_);
  EXPECT_TRUE(verifier.verify(token_of(current_)));
  EXPECT_TRUE(verifier.verify(token_of(previous_)));
  EXPECT_EQ(verifier.verify(token_of(std::string(32, 'x'))).error().code, Errc::token_invalid);
  TokenVerifier alone(current_, "", clock_);
  EXPECT_FALSE(alone.verify(token_of(previous_)));
  EXPECT_FALSE(alone.verify(token_of("")));
}

TEST_F(TokenVerifierTest, ARememberedTokenStillExpires) {
  TokenVerifier verifier(current_, "", clock_);
  const std::string token = token_of(current_);
  EXPECT_TRUE(verifier.verify(token));
  EXPECT_TRUE(verifier.verify(token));
  clock_.now_ms += 60'000 + kSkewMs;
  EXPECT_EQ(verifier.verify(token).error().code, Errc::token_expired);
  clock_.now_ms -= 2 * (60'000 + kSkewMs);
  EXPECT_EQ(verifier.verify(token).error().code, Errc::token_invalid);
}

TEST_F(TokenVerifierTest, ARememberedSignatureCoversItsOwnClaimsOnly) {
  TokenVerifier verifier(current_, "", clock_);
  const std::string token = token_of(current_);
  ASSERT_TRUE(verifier.verify(token));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verifier.verify(altered)) << i;
  }
  EXPECT_TRUE(verifier.verify(token));
  EXPECT_FALSE(verifier.verify(""));
  EXPECT_FALSE(verifier.verify(std::string(100'000, '.')));
}

TEST_F(TokenVerifierTest, ManyThreadsAndMoreTokensThanPlaces) {
  TokenVerifier verifier(current_, "", clock_);
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 3000; ++j)
          if (verifier.verify(token_of(current_))) ++good;
      });
  }
  EXPECT_EQ(good, 12'000);
}

TEST_F(TokenVerifierTest, IssuedTokensSayWhatWasAsked) {
  const TokenIssuer issuer(current_, 3'600'000, clock_, ids_);
  const ClientId client = ids_.make<ClientId>();
  const auto issued = issuer.issue(client, {Scope::workers});
  EXPECT_EQ(issued.expires_in_s, 3600);
  TokenVerifier verifier(current_, "", clock_);
  EXPECT_EQ(*verifier.verify(issued.token), issued.claims);
  EXPECT_EQ(issued.claims.client_id, client);
  EXPECT_NE(issuer.issue(client, {Scope::workers}).token, issued.token);
}

}  // namespace
}  // namespace tandem::auth
