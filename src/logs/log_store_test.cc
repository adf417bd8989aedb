#include "logs/log_store.h"

#include <gtest/gtest.h>

namespace tandem::logs {
namespace {

TEST(LogStream, NamesGoBothWays) {
  for (LogStream stream : {LogStream::stdout_, LogStream::stderr_, LogStream::system})
    EXPECT_EQ(log_stream_from(to_string(stream)), stream);
  EXPECT_EQ(to_string(LogStream::stdout_), "stdout");
  EXPECT_EQ(to_string(LogStream::stderr_), "stderr");
  EXPECT_EQ(to_string(LogStream::system), "system");
  EXPECT_FALSE(log_stream_from("stdin").has_value());
  EXPECT_FALSE(log_stream_from("").has_value());
}

TEST(LogPosition, IsParsedStrictly) {
  EXPECT_EQ(parse_log_position("2-17"), (LogPosition{2, 17}));
  EXPECT_EQ(parse_log_position("17"), (LogPosition{1, 17}));
  EXPECT_EQ(parse_log_position("0"), (LogPosition{1, 0}));
  EXPECT_EQ(parse_log_position("9223372036854775807"), (LogPosition{1, INT64_MAX}));
  for (const char* bad : {"", "-", "1-", "-1", "+1", " 1", "1 ", "1-2-3", "x", "1-x", "0x10", "1.5",
                          "9223372036854775808", "4294967296-1", "99999999999999999999"})
    EXPECT_FALSE(parse_log_position(bad).has_value()) << bad;
}

TEST(LogPosition, IsWrittenAsItIsParsed) {
  EXPECT_EQ(to_string(LogPosition{2, 17}), "2-17");
  EXPECT_EQ(parse_log_position(to_string(LogPosition{7, 1})), (LogPosition{7, 1}));
}

TEST(LogPosition, IsOrderedByAttemptThenSeq) {
  EXPECT_LT((LogPosition{1, 9}), (LogPosition{2, 0}));
  EXPECT_LT((LogPosition{2, 0}), (LogPosition{2, 1}));
}

}  // namespace
}  // namespace tandem::logs
