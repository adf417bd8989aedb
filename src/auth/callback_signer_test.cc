#include "auth/callback_signer.h"

#include <gtest/gtest.h>

namespace tandem::auth {
namespace {

const ClientId kClient(*parse_uuid("01890000-0000-7000-8000-00000000000a"));
const ClientId kOther(*parse_uuid("01890000-0000-7000-8000-00000000000b"));
constexpr WallTime kSignedAt{1'700'000'000'123};

std::string secret(char c) { return std::string(32, c); }

// The figures below were made with Python's hmac module.
TEST(CallbackSignerTest, ASignatureIsTheHmacOfTimeAndBody) {
  const CallbackSigner signer(secret('a'), "");
  EXPECT_EQ(signer.secret_of(kClient), "tdh_AcHG7RK_3O-K9a6PNd7b48Q9gu5qyaNeiH-ujWzGtBY");
  EXPECT_EQ(signer.sign(kClient, kSignedAt, "{}"),
            "t=1700000000,v1=e6284110e26ec27081850a012d0ffcf86513c67575ac544df324e7d215bd34cd");
}

TEST(CallbackSignerTest, TimeBodyAndClientAllCount) {
  const CallbackSigner signer(secret('a'), "");
  const std::string made = signer.sign(kClient, kSignedAt, "{}");
  EXPECT_NE(signer.sign(kClient, kSignedAt + 1000, "{}").substr(13), made.substr(13));
  EXPECT_NE(signer.sign(kClient, kSignedAt, "{ }"), made);
  EXPECT_NE(signer.sign(kOther, kSignedAt, "{}"), made);
  EXPECT_NE(signer.secret_of(kOther), signer.secret_of(kClient));
  EXPECT_NE(CallbackSigner(secret('b'), "").sign(kClient, kSignedAt, "{}"), made);
}

TEST(CallbackSignerTest, AfterAChangeOfTheTokenSecretTheOldOneStillSigns) {
  const std::string old = CallbackSigner(secret('a'), "").sign(kClient, kSignedAt, "{}");
  const CallbackSigner changed(secret('b'), secret('a'));
  const std::string both = changed.sign(kClient, kSignedAt, "{}");
  EXPECT_TRUE(both.ends_with(old.substr(old.find(",v1=")))) << both;
  EXPECT_EQ(both.size(), old.size() + 4 + 64);
}

}  // namespace
}  // namespace tandem::auth
