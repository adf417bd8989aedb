#include "auth/secret.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem::auth {
namespace {

TEST(Secret, HasItsPrefixAndNoOther) {
  SystemRandom random;
  for (const SecretKind kind : {SecretKind::client, SecretKind::refresh, SecretKind::worker}) {
    const std::string secret = make_secret(kind, random);
    EXPECT_TRUE(secret.starts_with(prefix_of(kind)));
    for (const SecretKind other : {SecretKind::client, SecretKind::refresh, SecretKind::worker})
      EXPECT_EQ(is_well_formed(other, secret), other == kind);
    EXPECT_NE(make_secret(kind, random), secret);
  }
}

TEST(Secret, EveryMistypedCharacterIsFound) {
  SystemRandom random;
  const std::string secret = make_secret(SecretKind::worker, random);
  for (std::size_t i = 0; i < secret.size(); ++i) {
    std::string mistyped = secret;
    mistyped[i] = mistyped[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(is_well_formed(SecretKind::worker, mistyped)) << i;
    EXPECT_FALSE(is_well_formed(SecretKind::worker, secret.substr(0, i))) << i;
    if (i + 1 == secret.size() || secret[i] == secret[i + 1]) continue;
    std::string turned = secret;
    std::swap(turned[i], turned[i + 1]);
    EXPECT_FALSE(is_well_formed(SecretKind::worker, turned)) << i;
  }
  EXPECT_FALSE(is_well_formed(SecretKind::worker, secret + "A"));
  EXPECT_FALSE(is_well_formed(SecretKind::worker, ""));
}

TEST(Secret, Sha256IsTheStandards) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Secret, ComparesWhole) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

TEST(Secret, ClientSecretsAreHashedWithArgon2id) {
  SystemRandom random;
  const auto hash = hash_client_secret("tds_x", random);
  ASSERT_TRUE(hash);
  EXPECT_TRUE(hash->starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << *hash;
  EXPECT_TRUE(verify_client_secret("tds_x", *hash));
  EXPECT_FALSE(verify_client_secret("tds_y", *hash));
  EXPECT_NE(*hash, *hash_client_secret("tds_x", random));
  for (const char* broken : {"", "x", "$argon2id$", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA"})
    EXPECT_FALSE(verify_client_secret("tds_x", broken)) << broken;
  EXPECT_FALSE(verify_against_nothing("nobody"));
}

}  // namespace
}  // namespace tandem::auth
