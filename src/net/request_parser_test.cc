#include "net/request_parser.h"

#include <gtest/gtest.h>

namespace tandem::net {
namespace {

struct Parsed {
  std::string target, body;
  std::size_t used = 0;
  bool complete = false;
  std::optional<Error> error;
};

// Reads the request while `step` bytes more come each time.
Parsed read_in_steps(std::string_view input, std::size_t step) {
  RequestParser parser(4096);
  RequestHead head;
  Parsed parsed;
  std::size_t used = 0;
  for (std::size_t have = step; !parsed.complete && have < input.size() + step; have += step) {
    const std::string_view data = input.substr(0, have);
    if (used == 0) {
      const auto size = parser.read_head(data, head);
      if (!size) parsed.error = size.error();
      if (!size || *size == 0) continue;
      used = *size;
      parser.set_body_limit(1024);
    }
    const auto size = parser.read_body(data.substr(used), parsed.body);
    if (!size) {
      parsed.error = size.error();
      return parsed;
    }
    used += *size;
    parsed.complete = parser.is_complete();
  }
  parsed.target = head.target.raw;
  parsed.used = used;
  return parsed;
}

void expect_body_in_any_steps(const std::string& input, const std::string& body) {
  const std::string followed = input + "GET /";
  for (std::size_t step = 1; step <= followed.size(); ++step) {
    const Parsed parsed = read_in_steps(followed, step);
    ASSERT_FALSE(parsed.error) << step << " " << parsed.error->detail;
    EXPECT_TRUE(parsed.complete) << step;
    EXPECT_EQ(parsed.target, "/t") << step;
    EXPECT_EQ(parsed.body, body) << step;
    EXPECT_EQ(parsed.used, input.size()) << step;
  }
}

const std::string kChunked = "POST /t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(RequestParser, AnyStepsGiveTheSameBody) {
  expect_body_in_any_steps("POST /t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                           "hello");
  expect_body_in_any_steps(kChunked + "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
                           "hello!");
}

TEST(RequestParser, AnyStepsOfAnEmptyChunkedBodyGiveTheSame) {
  expect_body_in_any_steps(kChunked + "0\r\n\r\n", "");
  expect_body_in_any_steps(kChunked + "00\r\n\r\n", "");
  expect_body_in_any_steps(kChunked + "0;a\r\nA: b\r\n\r\n", "");
}

TEST(RequestParser, AChunkIsGivenOutAsFarAsItIsThere) {
  RequestParser parser(4096);
  RequestHead head;
  ASSERT_TRUE(parser.read_head(kChunked, head));
  std::string body;
  EXPECT_EQ(parser.read_body("1\r\na\r\n", body).value(), 4u);
  EXPECT_EQ(body, "a");
}

}  // namespace
}  // namespace tandem::net
