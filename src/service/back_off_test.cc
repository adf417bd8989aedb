#include "service/back_off.h"

#include <gtest/gtest.h>

#include "service/retry_after.h"

namespace tandem::service {
namespace {

net::HttpAnswer answer(int status, const std::string& retry_after) {
  net::HttpAnswer made{.status = status, .headers = {}, .body = {}};
  if (!retry_after.empty()) made.headers.set("Retry-After", retry_after);
  return made;
}

TEST(BackOffTest, WaitsAtLeastAsLongAsItIsAskedTo) {
  SystemRandom random;
  BackOff pause(random, {.first_ms = 100, .longest_ms = 5000});
  bool is_spread = false;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t ms = pause.next_ms(20'000);
    EXPECT_GE(ms, 20'000);
    EXPECT_LE(ms, 25'000);
    is_spread = is_spread || ms > 20'000;
  }
  EXPECT_TRUE(is_spread);
  EXPECT_GE(pause.next_ms(1000), 2500);  // its own span is longer by now
  EXPECT_LE(pause.next_ms(0), 5000);
}

TEST(RetryAfterTest, IsReadInSeconds) {
  EXPECT_EQ(retry_after_ms(answer(429, "7")), 7000);
  EXPECT_EQ(retry_after_ms(answer(503, "60")), 60'000);
  EXPECT_EQ(retry_after_ms(answer(503, "61")), kLongestAskedMs);
  EXPECT_EQ(retry_after_ms(answer(503, "99999999999999999999999")), kLongestAskedMs);
}

TEST(RetryAfterTest, WhatSaysNothingIsNoPause) {
  EXPECT_EQ(retry_after_ms(answer(503, "")), 0);
  EXPECT_EQ(retry_after_ms(answer(503, "0")), 0);
  EXPECT_EQ(retry_after_ms(answer(503, "-5")), 0);
  EXPECT_EQ(retry_after_ms(answer(503, "5.5")), 0);
  EXPECT_EQ(retry_after_ms(answer(503, "Fri, 31 Dec 1999 23:59:59 GMT")), 0);
  EXPECT_EQ(retry_after_ms(answer(200, "7")), 0);
  EXPECT_EQ(retry_after_ms(answer(500, "7")), 0);
}

}  // namespace
}  // namespace tandem::service
