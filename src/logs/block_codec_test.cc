#include "logs/block_codec.h"

#include <gtest/gtest.h>

namespace tandem::logs {
namespace {

std::vector<LogRecord> three() {
  return {{.attempt = 2, .seq = 5, .ts = {1'700'000'000'001}, .data = "a\n"},
          {.attempt = 2, .seq = 6, .ts = {-5}, .stream = LogStream::stderr_, .data = ""},
          {.attempt = 2, .seq = 7, .ts = {0}, .stream = LogStream::system, .data = "xyz"}};
}

TEST(BlockCodec, GoesBothWays) {
  std::string block;
  const auto sent = three();
  ASSERT_EQ(encode_block(sent, block), 3u);
  std::vector<LogRecord> got;
  ASSERT_TRUE(decode_block(block, {2, 7}, 3, got));
  ASSERT_EQ(got.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(got[i].position(), sent[i].position());
    EXPECT_EQ(got[i].ts, sent[i].ts);
    EXPECT_EQ(got[i].stream, sent[i].stream);
    EXPECT_EQ(got[i].data, sent[i].data);
  }
}

TEST(BlockCodec, RefusesWhatIsNoBlock) {
  std::string block;
  encode_block(three(), block);
  const auto is_block = [](std::string_view bytes, LogPosition last, std::uint64_t count) {
    std::vector<LogRecord> out;
    return decode_block(bytes, last, count, out);
  };
  EXPECT_FALSE(is_block(block, {2, 7}, 2));
  EXPECT_FALSE(is_block(block, {2, 7}, 4));
  EXPECT_FALSE(is_block(block, {2, 2}, 3));
  EXPECT_FALSE(is_block("", {2, 7}, 1));
  for (std::size_t cut = 1; cut < block.size(); ++cut)
    EXPECT_FALSE(is_block(std::string_view(block).substr(0, cut), {2, 7}, 3));
  std::string altered = block;
  altered[3] = '\x7F';  // the first length
  EXPECT_FALSE(is_block(altered, {2, 7}, 3));
  altered = block;
  altered[4] = 3;  // no such stream
  EXPECT_FALSE(is_block(altered, {2, 7}, 3));
}

TEST(BlockCodec, BlocksAreBoundedButTakeOneRecordAtLeast) {
  std::vector<LogRecord> records(5);
  for (LogRecord& record : records) record.data.assign(50'000, 'x');
  std::string block;
  EXPECT_EQ(encode_block(records, block), 2u);
  EXPECT_LE(block.size(), kBlockDataBytes + 100);
  records.front().data.assign(kBlockDataBytes + 1, 'x');
  EXPECT_EQ(encode_block(records, block), 1u);
}

}  // namespace
}  // namespace tandem::logs
