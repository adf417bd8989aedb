#include "logs/tail_cache.h"

#include <gtest/gtest.h>

namespace tandem::logs {
namespace {

TaskId numbered(std::uint8_t number) {
  TaskId id;
  id.bytes[15] = number;
  return id;
}

TEST(TailCache, KeepsTheLatestUsed) {
  TailCache cache(2);
  cache.put(numbered(1), {1, {5, 5, 50}});
  cache.put(numbered(2), {1, {6, 6, 60}});
  ASSERT_NE(cache.find(numbered(1)), nullptr);  // now 2 is the oldest
  cache.put(numbered(3), {2, {7, 7, 70}});
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find(numbered(2)), nullptr);
  EXPECT_EQ(cache.find(numbered(1))->tail.last_seq, 5u);
  EXPECT_EQ(cache.find(numbered(3))->attempt, 2u);
}

TEST(TailCache, PutReplacesAndEraseForgets) {
  TailCache cache(2);
  cache.put(numbered(1), {1, {5, 5, 50}});
  cache.put(numbered(1), {2, {1, 1, 9}});
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(cache.find(numbered(1))->tail.bytes, 9u);
  cache.erase(numbered(1));
  cache.erase(numbered(1));
  EXPECT_EQ(cache.find(numbered(1)), nullptr);
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace tandem::logs
