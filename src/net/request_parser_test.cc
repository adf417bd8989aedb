#include "net/request_parser.h"

#include <gtest/gtest.h>

namespace tandem::net {
namespace {

struct Parsed {
  std::string target, body, rest;
  bool complete = false;
  std::optional<Error> error;
};

// Reads the request with the first `cut` bytes there before the others.
Parsed read_cut_at(std::string_view input, std::size_t cut) {
  RequestParser parser(4096);
  RequestHead head;
  Parsed parsed;
  std::size_t used = 0;
  for (const std::string_view data : {input.substr(0, cut), input}) {
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
  }
  parsed.target = head.target.raw;
  parsed.rest = input.substr(used);
  parsed.complete = parser.is_complete();
  return parsed;
}

void expect_body_at_every_cut(const std::string& input, const std::string& body) {
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const Parsed parsed = read_cut_at(input + "GET /", cut);
    ASSERT_FALSE(parsed.error) << cut << " " << parsed.error->detail;
    EXPECT_TRUE(parsed.complete) << cut;
    EXPECT_EQ(parsed.target, "/t") << cut;
    EXPECT_EQ(parsed.body, body) << cut;
    EXPECT_EQ(parsed.rest, "GET /") << cut;
  }
}

const std::string kChunked = "POST /t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(RequestParser, EveryCutGivesTheSameBody) {
  expect_body_at_every_cut("POST /t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                           "hello");
  expect_body_at_every_cut(kChunked + "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
                           "hello!");
}

TEST(RequestParser, EveryCutOfAnEmptyChunkedBodyGivesTheSame) {
  expect_body_at_every_cut(kChunked + "0\r\n\r\n", "");
  expect_body_at_every_cut(kChunked + "00\r\n\r\n", "");
  expect_body_at_every_cut(kChunked + "0;a\r\nA: b\r\n\r\n", "");
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
