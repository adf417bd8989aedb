#include "logs/redis/redis_address.h"

#include <gtest/gtest.h>

namespace tandem::logs {
namespace {

TEST(RedisAddress, AllOfItsParts) {
  const auto address = parse_redis_url("redis://me:p%40ss:w%2Ford@cache.example.com:7000/3");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->host, "cache.example.com");
  EXPECT_EQ(address->port, 7000);
  EXPECT_EQ(address->user, "me");
  EXPECT_EQ(address->password, "p@ss:w/ord");
  EXPECT_EQ(address->db, 3);
}

TEST(RedisAddress, WhatIsLeftOutHasADefault) {
  const auto address = parse_redis_url("redis://localhost");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->host, "localhost");
  EXPECT_EQ(address->port, 6379);
  EXPECT_EQ(address->db, 0);
  EXPECT_TRUE(address->user.empty() && address->password.empty());
  EXPECT_EQ(parse_redis_url("redis://:secret@localhost/")->password, "secret");
  EXPECT_EQ(parse_redis_url("redis://[::1]:7000")->host, "::1");
  EXPECT_EQ(parse_redis_url("redis://[::1]")->port, 6379);
}

TEST(RedisAddress, WhatCantBeReadIsRefusedWithoutItsPassword) {
  for (const char* url :
       {"rediss://h", "http://h", "redis://", "redis://:6379", "redis://h:0", "redis://h:70000",
        "redis://h:port", "redis://h/db", "redis://h/-1", "redis://secret%2@h", "redis://%zz@h",
        "redis://h?timeout=1", "redis://u:secret@/0"}) {
    const auto address = parse_redis_url(url);
    ASSERT_TRUE(address.has_error()) << url;
    EXPECT_EQ(address.error().code, Errc::validation_failed);
    EXPECT_EQ(address.error().detail.find("secret"), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace tandem::logs
