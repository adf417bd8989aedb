#include "logs/record_cutter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/encoding.h"

namespace tandem::logs {
namespace {

using Records = std::vector<std::string>;

Records feed(RecordCutter& cutter, std::string_view chunk) {
  Records out;
  cutter.feed(chunk, out);
  return out;
}
Records flush(RecordCutter& cutter) {
  Records out;
  cutter.flush(out);
  return out;
}
Records finish(RecordCutter& cutter) {
  Records out;
  cutter.finish(out);
  return out;
}

TEST(RecordCutter, WholeLinesGoOutTogetherAndTheRestIsHeld) {
  RecordCutter cutter;
  EXPECT_EQ(feed(cutter, "one\ntwo\nthr"), Records{"one\ntwo\n"});
  EXPECT_EQ(cutter.held_bytes(), 3u);
  EXPECT_EQ(feed(cutter, "ee"), Records{});
  EXPECT_EQ(feed(cutter, "\n"), Records{"three\n"});
  EXPECT_EQ(cutter.held_bytes(), 0u);
  EXPECT_EQ(feed(cutter, ""), Records{});
}

TEST(RecordCutter, FlushShowsAPrompt) {
  RecordCutter cutter;
  EXPECT_EQ(feed(cutter, "Password: "), Records{});
  EXPECT_EQ(flush(cutter), Records{"Password: "});
  EXPECT_EQ(flush(cutter), Records{});
  EXPECT_EQ(finish(cutter), Records{});
}

TEST(RecordCutter, FinishGivesTheRest) {
  RecordCutter cutter;
  feed(cutter, "no end");
  EXPECT_EQ(finish(cutter), Records{"no end"});
  EXPECT_EQ(finish(cutter), Records{});
}

TEST(RecordCutter, FlushKeepsTheStartOfASequenceOnce) {
  RecordCutter cutter;
  feed(cutter, "caf\xC3");
  EXPECT_EQ(flush(cutter), Records{"caf"});
  EXPECT_EQ(feed(cutter, "\xA9"), Records{});
  EXPECT_EQ(flush(cutter), Records{"\xC3\xA9"});
  feed(cutter, "\xF0\x9F");
  EXPECT_EQ(flush(cutter), Records{});
  EXPECT_EQ(flush(cutter), Records{"\xF0\x9F"});  // it was no sequence after all
}

TEST(RecordCutter, CutsAtTheLastLineEndWithinTheBound) {
  RecordCutter cutter(8);
  EXPECT_EQ(feed(cutter, "aaa\nbbb\nccc\nddd\n"), (Records{"aaa\nbbb\n", "ccc\nddd\n"}));
  EXPECT_EQ(feed(cutter, "aaaa\nbbbb\n"), (Records{"aaaa\n", "bbbb\n"}));
}

TEST(RecordCutter, CutsALongLineAtTheBound) {
  RecordCutter cutter(8);
  EXPECT_EQ(feed(cutter, "0123456"), Records{});
  EXPECT_EQ(feed(cutter, "7"), Records{"01234567"});
  EXPECT_EQ(feed(cutter, "0123456789abcdefXY\nz"), (Records{"01234567", "89abcdef", "XY\n"}));
  EXPECT_EQ(finish(cutter), Records{"z"});
}

TEST(RecordCutter, DoesNotCutWithinASequence) {
  RecordCutter cutter(8);
  EXPECT_EQ(feed(cutter,
                 "0123456\xC3\xA9"
                 "9"),
            Records{"0123456"});
  EXPECT_EQ(finish(cutter), Records{"\xC3\xA9"
                                    "9"});
  EXPECT_EQ(feed(cutter, "01234\xF0\x9F\x98\x80"), Records{"01234"});
  EXPECT_EQ(finish(cutter), Records{"\xF0\x9F\x98\x80"});
  EXPECT_EQ(feed(cutter, "\x80\x80\x80\x80\x80\x80\x80\x80\x80"),
            Records{"\x80\x80\x80\x80\x80\x80\x80\x80"});  // no UTF-8 at all
}

// Whatever the chunks and flushes are: the same bytes, within the bound, and whole characters where
// nothing but the bound cut them.
TEST(RecordCutter, IsByteExactForAnyChunks) {
  std::mt19937 chance(7);
  const std::string alphabet[] = {"a", "bc", "\n", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  for (int round = 0; round < 500; ++round) {
    const bool is_text = round % 2 == 0;
    std::string stream;
    while (stream.size() < 300)
      stream += is_text ? alphabet[chance() % 6]
                        : std::string(1, static_cast<char>(chance() % 8 == 0 ? '\n' : chance()));
    RecordCutter cutter(4 + chance() % 40);
    Records out;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t length = std::min<std::size_t>(1 + chance() % 50, stream.size() - at);
      cutter.feed(std::string_view(stream).substr(at, length), out);
      at += length;
      if (chance() % 4 == 0) cutter.flush(out);
    }
    cutter.finish(out);
    std::string joined;
    for (const std::string& record : out) {
      EXPECT_FALSE(record.empty());
      EXPECT_LE(record.size(), 43u);
      EXPECT_TRUE(!is_text || is_utf8(record));
      joined += record;
    }
    ASSERT_EQ(joined, stream);
  }
}

TEST(RecordCutter, AMebibyteWithoutALineEndTakesFullRecords) {
  RecordCutter cutter;
  Records out;
  const std::string chunk(1000, 'x');
  for (int i = 0; i < 1048; ++i) cutter.feed(chunk, out);
  cutter.finish(out);
  ASSERT_EQ(out.size(), 16u);
  EXPECT_EQ(out.front().size(), limits::kMaxRecordBytes);
}

}  // namespace
}  // namespace tandem::logs
