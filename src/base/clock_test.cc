#include "base/clock.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(ToRfc3339, WritesMillisecondsInUtc) {
  EXPECT_EQ(to_rfc3339({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339({1'769'903'999'123}), "2026-01-31T23:59:59.123Z");
  EXPECT_EQ(to_rfc3339({951'782'400'007}), "2000-02-29T00:00:00.007Z");
  EXPECT_EQ(to_rfc3339({253'402'300'799'999}), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339({-1}), "1969-12-31T23:59:59.999Z");
}

TEST(ParseRfc3339, ReadsWhatItWrites) {
  for (std::int64_t ms : {0ll, 1ll, 951'782'400'007ll, 1'769'903'999'123ll, 253'402'300'799'999ll})
    EXPECT_EQ(parse_rfc3339(to_rfc3339({ms})), WallTime{ms});
}

TEST(ParseRfc3339, TakesOffsets) {
  const WallTime noon{1'767'268'800'000};  // 2026-01-01T12:00:00Z
  EXPECT_EQ(parse_rfc3339("2026-01-01T12:00:00Z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-01-01t12:00:00z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-01-01 12:00:00+00:00"), noon);
  EXPECT_EQ(parse_rfc3339("2026-01-01T17:30:00+05:30"), noon);
  EXPECT_EQ(parse_rfc3339("2025-12-31T23:59:00-12:01"), noon);
}

TEST(ParseRfc3339, CutsFractionsToMilliseconds) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.5Z"), WallTime{1500});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.05Z"), WallTime{1050});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.9999999999999999999Z"), WallTime{1999});
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.001+00:00"), WallTime{1001});
}

TEST(ParseRfc3339, TakesALeapSecondAsTheNextMinute) {
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST(ParseRfc3339, RefusesWhatIsNoTime) {
  for (std::string_view text : {"",
                                "2026",
                                "2026-01-01",
                                "2026-01-01T12:00:00",
                                "2026-01-01T12:00Z",
                                "2026-13-01T00:00:00Z",
                                "2026-00-01T00:00:00Z",
                                "2026-02-29T00:00:00Z",
                                "2026-04-31T00:00:00Z",
                                "2026-01-00T00:00:00Z",
                                "2026-01-01T24:00:00Z",
                                "2026-01-01T00:60:00Z",
                                "2026-01-01T00:00:61Z",
                                "2026-01-01T00:00:00.Z",
                                "2026-01-01T00:00:00,5Z",
                                "2026-01-01T00:00:00+1:00",
                                "2026-01-01T00:00:00+0100",
                                "2026-01-01T00:00:00+24:00",
                                "2026-01-01T00:00:00+00:60",
                                "2026-01-01T00:00:00ZZ",
                                " 2026-01-01T00:00:00Z",
                                "2026/01/01T00:00:00Z",
                                "2026-01-01T00-00-00Z",
                                "2026-1-01T00:00:00Z",
                                "+026-01-01T00:00:00Z",
                                "2026-01-01_00:00:00Z",
                                "now"})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(ParseRfc3339, StaysWithinItsYears) {
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59Z"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00+01:00"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("1970-01-01T01:00:00+01:00"), WallTime{0});
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59-00:01"), std::nullopt);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:60Z"), std::nullopt);
  EXPECT_TRUE(parse_rfc3339("9999-12-31T23:59:59.999Z").has_value());
}

TEST(Times, CountInMilliseconds) {
  EXPECT_EQ(WallTime{5} + 7, WallTime{12});
  EXPECT_EQ(WallTime{5} - WallTime{7}, -2);
  EXPECT_EQ(MonoTime{5} + 7, MonoTime{12});
  EXPECT_EQ(MonoTime{5} - MonoTime{7}, -2);
  EXPECT_LT(MonoTime{1}, kNever);
}

TEST(SystemClock, BothClocksGoOnTogether) {
  const SystemClock clock;
  const WallTime wall = clock.wall();
  const MonoTime mono = clock.mono();
  EXPECT_GT(wall, WallTime{1'700'000'000'000});
  MonoTime later = mono;
  while (later == mono) later = clock.mono();
  EXPECT_GT(later, mono);
  EXPECT_GT(clock.wall(), wall);
}

}  // namespace
}  // namespace tandem
