#include "api/byte_range.h"

#include <gtest/gtest.h>

namespace tandem::api {
namespace {

std::string range(std::string_view header, std::uint64_t size) {
  const auto parsed = parse_range(header, size);
  if (!parsed) return std::string(to_string(parsed.error().code));
  if (!*parsed) return "whole";
  return std::to_string((*parsed)->offset) + "+" + std::to_string((*parsed)->length);
}

TEST(ByteRange, parses) {
  EXPECT_EQ(range("bytes=0-0", 10), "0+1");
  EXPECT_EQ(range("bytes=2-5", 10), "2+4");
  EXPECT_EQ(range("bytes=2-", 10), "2+8");
  EXPECT_EQ(range("bytes=2-999", 10), "2+8");
  EXPECT_EQ(range("bytes=-3", 10), "7+3");
  EXPECT_EQ(range("bytes=-30", 10), "0+10");
  EXPECT_EQ(range("bytes=0-18446744073709551615", 10), "0+10");
}

TEST(ByteRange, outside) {
  EXPECT_EQ(range("bytes=10-", 10), "range_not_satisfiable");
  EXPECT_EQ(range("bytes=-0", 10), "range_not_satisfiable");
  EXPECT_EQ(range("bytes=0-", 0), "range_not_satisfiable");
  EXPECT_EQ(range("bytes=99999999999999999999-", 10), "range_not_satisfiable");
}

TEST(ByteRange, passedOver) {
  for (std::string_view header : {"items=0-1", "bytes=5-2", "bytes=a-b", "bytes=", "bytes=0-1,3-4",
                                  "bytes=--1", "bytes=+1-2"})
    EXPECT_EQ(range(header, 10), "whole") << header;
}

TEST(ByteRange, etags) {
  EXPECT_TRUE(has_etag("*", "\"a\""));
  EXPECT_TRUE(has_etag("\"b\", W/\"a\"", "\"a\""));
  EXPECT_FALSE(has_etag("\"b\"", "\"a\""));
  EXPECT_FALSE(has_etag("", "\"a\""));
}

TEST(ByteRange, attachment) {
  EXPECT_EQ(attachment_named("a.txt"), "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt");
  EXPECT_EQ(attachment_named("a\"\\;ä"),
            "attachment; filename=\"a_____\"; filename*=UTF-8''a%22%5C%3B%C3%A4");
}

}  // namespace
}  // namespace tandem::api
