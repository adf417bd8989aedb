#include "base/id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "base/constant_random.h"
#include "base/manual_clock.h"

namespace tandem {
namespace {

constexpr std::string_view kText = "0198c1d2-e3f4-7a5b-8c6d-7e8f90a1b2c3";

TEST(Uuid, ReadsWhatItWrites) {
  const auto id = parse_uuid(kText);
  ASSERT_TRUE(id);
  EXPECT_EQ(to_string(*id), kText);
  EXPECT_EQ(id->bytes[0], 0x01);
  EXPECT_EQ(id->bytes[15], 0xc3);
  EXPECT_FALSE(id->is_nil());
  EXPECT_TRUE(Uuid{}.is_nil());
  EXPECT_EQ(to_string(Uuid{}), "00000000-0000-0000-0000-000000000000");
}

TEST(Uuid, TakesTheCanonicalFormOnly) {
  for (std::string_view text :
       {"", "0198c1d2", "0198C1D2-e3f4-7a5b-8c6d-7e8f90a1b2c3",
        "{198c1d2-e3f4-7a5b-8c6d-7e8f90a1b2c}", "0198c1d2e3f47a5b8c6d7e8f90a1b2c3",
        "0198c1d2-e3f4-7a5b-8c6d-7e8f90a1b2c", "0198c1d2-e3f4-7a5b-8c6d-7e8f90a1b2c34",
        "0198c1d2-e3f4-7a5b-8c6d_7e8f90a1b2c3", "0198c1d-2e3f4-7a5b-8c6d-7e8f90a1b2c3",
        "0198c1dg-e3f4-7a5b-8c6d-7e8f90a1b2c3", "0198c1d2-e3f4-7a5b-8c6d-7e8f90a1b2c "})
    EXPECT_EQ(parse_uuid(text), std::nullopt) << text;
}

TEST(Uuid, OrdersByValueAsTextDoes) {
  const auto low = parse_uuid("00000000-0000-7000-8000-0000000000ff");
  const auto high = parse_uuid("00000000-0000-7000-8000-000000000100");
  ASSERT_TRUE(low && high);
  EXPECT_LT(*low, *high);
  EXPECT_LT(to_string(*low), to_string(*high));
}

TEST(Id, ParsesIntoItsOwnType) {
  const auto id = TaskId::parse(kText);
  ASSERT_TRUE(id);
  EXPECT_EQ(to_string(*id), kText);
  EXPECT_EQ(TaskId::parse("x"), std::nullopt);
  static_assert(!std::is_convertible_v<TaskId, WorkerId>);
  static_assert(!std::is_convertible_v<Uuid, TaskId>);
}

TEST(IdSource, MakesVersion7WithTheTimeInFront) {
  ManualClock clock;
  SystemRandom random;
  IdSource source(clock, random);
  const Uuid id = source.next();
  std::uint64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[static_cast<std::size_t>(i)];
  EXPECT_EQ(ms, static_cast<std::uint64_t>(clock.wall().ms));
  EXPECT_EQ(id.bytes[6] >> 4, 7);
  EXPECT_EQ(id.bytes[8] >> 6, 2);
}

// Whatever chance gives, also all ones, which makes the tail overflow again and again.
TEST(IdSource, GrowsWithinOneMillisecond) {
  for (int byte : {0x00, 0x7F, 0x80, 0xFF}) {
    ManualClock clock;
    ConstantRandom random(byte);
    IdSource source(clock, random);
    Uuid last = source.next();
    for (int i = 0; i < 200'000; ++i) {
      const Uuid id = source.next();
      ASSERT_LT(last, id) << "byte " << byte << ", step " << i;
      ASSERT_EQ(id.bytes[6] >> 4, 7);
      ASSERT_EQ(id.bytes[8] >> 6, 2);
      last = id;
    }
  }
}

TEST(IdSource, GrowsWhenTheClockGoesBack) {
  ManualClock clock;
  SystemRandom random;
  IdSource source(clock, random);
  Uuid last = source.next();
  for (std::int64_t step : {-1, -3'600'000, 1, 3'599'999, 5, -5, 6}) {
    clock.now_ms += step;
    const Uuid id = source.next();
    EXPECT_LT(last, id) << step;
    last = id;
  }
}

TEST(IdSource, MakesStrongIds) {
  ManualClock clock;
  SystemRandom random;
  IdSource source(clock, random);
  const auto task = source.make<TaskId>();
  EXPECT_FALSE(task.is_nil());
  EXPECT_LT(task, source.make<TaskId>());
}

TEST(IdHash, SpreadsNeighbours) {
  ManualClock clock;
  SystemRandom random;
  IdSource source(clock, random);
  std::unordered_set<std::size_t> low_bits;
  for (int i = 0; i < 1000; ++i) low_bits.insert(std::hash<TaskId>{}(source.make<TaskId>()) % 4096);
  EXPECT_GT(low_bits.size(), 700u);  // 887 are to be expected
}

TEST(SystemRandom, FillsAndStaysBelow) {
  SystemRandom random;
  std::vector<std::byte> bytes(4096);
  random.fill(bytes);
  EXPECT_GT(std::count_if(bytes.begin(), bytes.end(), [](auto b) { return b != std::byte{0}; }),
            3900);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below(7), 7u);
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_NE(random.next(), random.next());
}

}  // namespace
}  // namespace tandem
