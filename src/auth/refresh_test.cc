#include "auth/refresh.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace tandem::auth {
namespace {

constexpr WallTime kUsedAt{1'000'000};

RefreshState fresh() {
  RefreshState state;
  state.expires_at = kUsedAt + 1000;
  return state;
}

TEST(Refresh, UnknownIsRefused) {
  const auto decision = decide_refresh(std::nullopt, "tdf_a", kUsedAt);
  EXPECT_EQ(decision.action, RefreshAction::refuse);
  EXPECT_EQ(decision.error.code, Errc::invalid_grant);
}

TEST(Refresh, UnusedIsRotatedUntilItExpires) {
  EXPECT_EQ(decide_refresh(fresh(), "tdf_a", kUsedAt).action, RefreshAction::rotate);
  const auto late = decide_refresh(fresh(), "tdf_a", kUsedAt + 1000);
  EXPECT_EQ(late.action, RefreshAction::refuse);
  EXPECT_EQ(late.error.code, Errc::token_expired);
}

TEST(Refresh, RevokedIsRefusedEvenWithinTheGrace) {
  RefreshState state = fresh();
  state.revoked = true;
  state.used_at = kUsedAt;
  EXPECT_EQ(decide_refresh(state, "tdf_a", kUsedAt).error.code, Errc::token_revoked);
}

TEST(Refresh, UsedIsRepeatedWithinTheGraceAndRevokesAfterIt) {
  SystemRandom random;
  RefreshState state = fresh();
  state.used_at = kUsedAt;
  state.successor = seal_successor("tdf_b", "tdf_a", random);
  const auto repeat = decide_refresh(state, "tdf_a", kUsedAt + kRefreshGraceMs);
  EXPECT_EQ(repeat.action, RefreshAction::repeat);
  EXPECT_EQ(repeat.successor, "tdf_b");
  const auto reuse = decide_refresh(state, "tdf_a", kUsedAt + kRefreshGraceMs + 1);
  EXPECT_EQ(reuse.action, RefreshAction::revoke_family);
  EXPECT_EQ(reuse.error.code, Errc::token_reused);
}

TEST(Refresh, AnAlteredSuccessorRevokes) {
  RefreshState state = fresh();
  state.used_at = kUsedAt;
  state.successor = "AAAA";
  EXPECT_EQ(decide_refresh(state, "tdf_a", kUsedAt).action, RefreshAction::revoke_family);
}

TEST(Refresh, TheRowDoesNotTellTheSuccessor) {
  SystemRandom random;
  const std::string sealed = seal_successor("tdf_successor", "tdf_a", random);
  EXPECT_EQ(sealed.find("successor"), std::string::npos);
  EXPECT_EQ(open_successor(sealed, "tdf_other"), std::nullopt);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open_successor(altered, "tdf_a"), std::nullopt) << i;
  }
  EXPECT_NE(seal_successor("tdf_successor", "tdf_a", random), sealed);
}

RC_GTEST_PROP(Refresh, WhatIsSealedOpens, (const std::string& token, const std::string& key)) {
  RC_PRE(!token.empty());
  SystemRandom random;
  RC_ASSERT(open_successor(seal_successor(token, key, random), key) == token);
}

}  // namespace
}  // namespace tandem::auth
