#include "auth/login_throttle.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"

namespace tandem::auth {
namespace {

TEST(LoginThrottle, BlocksAfterTheFreeFailuresAndDoubles) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 0; i < LoginThrottle::kFreeFailures - 1; ++i) throttle.failed("a", "1.1.1.1");
  EXPECT_FALSE(throttle.blocked_for_s("a", "1.1.1.1"));
  throttle.failed("a", "1.1.1.1");
  EXPECT_EQ(throttle.blocked_for_s("a", "1.1.1.1"), 1);
  throttle.failed("a", "1.1.1.1");
  EXPECT_EQ(throttle.blocked_for_s("a", "1.1.1.1"), 2);
  EXPECT_FALSE(throttle.blocked_for_s("a", "2.2.2.2"));
  EXPECT_FALSE(throttle.blocked_for_s("b", "1.1.1.1"));
  clock.now_ms += 2000;
  EXPECT_FALSE(throttle.blocked_for_s("a", "1.1.1.1"));
}

TEST(LoginThrottle, WaitsAreBoundedAndForgotten) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 0; i < 100; ++i) throttle.failed("a", "x");
  EXPECT_EQ(throttle.blocked_for_s("a", "x"), LoginThrottle::kMaxWaitMs / 1000);
  clock.now_ms += LoginThrottle::kForgetAfterMs + 1;
  throttle.failed("a", "x");
  EXPECT_FALSE(throttle.blocked_for_s("a", "x"));
}

TEST(LoginThrottle, SuccessForgetsThePair) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 0; i < LoginThrottle::kFreeFailures; ++i) throttle.failed("a", "x");
  ASSERT_TRUE(throttle.blocked_for_s("a", "x"));
  throttle.succeeded("a", "x");
  EXPECT_FALSE(throttle.blocked_for_s("a", "x"));
}

TEST(LoginThrottle, AnAddressIsBoundedOverAllClients) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 0; i < LoginThrottle::kFreeAddressFailures; ++i)
    throttle.failed("client" + std::to_string(i), "x");
  EXPECT_TRUE(throttle.blocked_for_s("fresh", "x"));
  EXPECT_FALSE(throttle.blocked_for_s("fresh", "y"));
}

TEST(LoginThrottle, MemoryIsBounded) {
  ManualClock clock;
  LoginThrottle throttle(clock, 4);
  for (int i = 0; i < LoginThrottle::kFreeFailures; ++i) throttle.failed("a", "x");
  for (int i = 0; i < 10; ++i) throttle.failed("b" + std::to_string(i), "y" + std::to_string(i));
  EXPECT_FALSE(throttle.blocked_for_s("a", "x"));
}

}  // namespace
}  // namespace tandem::auth
