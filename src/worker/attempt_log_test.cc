#include "worker/attempt_log.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <optional>

namespace tandem::worker {
namespace {

// A log that a test takes away and gives back.
class PlayedSink final : public LogSink {
 public:
  void append(logs::LogAppend append, Done done) override {
    ++calls;
    if (trouble) return done(*trouble);
    for (logs::LogRecord& record : append.records) {
      ++tail.records;
      tail.last_seq = record.seq;
      tail.bytes += record.data.size();
      kept.push_back(std::move(record));
    }
    done(tail);
  }
  bool is_congested() const override { return false; }
  bool keep(const logs::LogAppend& append) override {
    if (keeps) unsent = append;
    return keeps;
  }

  std::optional<Error> trouble;
  bool keeps = false;
  logs::LogAppend unsent;
  std::vector<logs::LogRecord> kept;
  logs::LogTail tail;
  int calls = 0;
};

class AttemptLogTest : public testing::Test {
 protected:
  AttemptLogTest() { log.open(TaskId(), 1); }
  void write(const std::string& data) { log.write(logs::LogStream::stdout_, data); }
  // Runs the loop until what has been written so far is kept.
  void settle() {
    bool is_done = false;
    context.restart();
    io::asio::co_spawn(context, log.settle(), [&](std::exception_ptr, const LogTotals& told) {
      totals = told;
      is_done = true;
    });
    while (!is_done) ASSERT_GT(context.run_one_for(std::chrono::seconds(10)), 0u);
  }
  void expect_dense() {
    for (std::size_t i = 0; i < sink.kept.size(); ++i) EXPECT_EQ(sink.kept[i].seq, i + 1);
  }

  SystemClock clock;
  io::asio::io_context context{1};
  PlayedSink sink;
  LogTotals totals;
  AttemptLog log{sink, clock, context.get_executor()};
};

TEST_F(AttemptLogTest, WhatWaitedIsThereInOrderWhenTheStoreIsBack) {
  sink.trouble = fail(Errc::store_unavailable, "away");
  for (int i = 0; i < 1000; ++i) write(std::to_string(i) + "\n");
  EXPECT_EQ(sink.calls, 1);
  EXPECT_GT(sink.held_bytes(), 1000u);
  sink.trouble = std::nullopt;
  settle();
  ASSERT_EQ(sink.kept.size(), 1000u);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(sink.kept[static_cast<std::size_t>(i)].data, std::to_string(i) + "\n");
  expect_dense();
  EXPECT_EQ(sink.held_bytes(), 0u);
}

TEST_F(AttemptLogTest, TheJobIsNotHeldUpWhileTheStoreIsAway) {
  bool may_go_on = false;
  const auto ask = [&] {
    io::asio::co_spawn(context, log.room(), [&](std::exception_ptr) { may_go_on = true; });
    context.poll();
    return may_go_on;
  };
  sink.trouble = fail(Errc::store_unavailable, "away");
  for (int i = 0; i < 40; ++i) write(std::string(64 * 1024, 'x'));
  EXPECT_TRUE(ask());
  sink.trouble = std::nullopt;
  settle();
}

TEST_F(AttemptLogTest, WhatIsCutIsSaidInItsPlace) {
  constexpr std::size_t kRecord = 64 * 1024;
  constexpr int kRecords = 200;
  sink.trouble = fail(Errc::disk_full, "full");
  for (int i = 0; i < kRecords; ++i) write(std::string(kRecord, 'x'));
  write("small");
  EXPECT_LE(sink.held_bytes(), AttemptLog::kSpoolBytes);
  sink.trouble = std::nullopt;
  settle();
  write("after");
  settle();
  const auto kept = sink.kept.size() - 2;
  EXPECT_GT(kept, 100u);
  const logs::LogRecord& said = sink.kept[kept];
  EXPECT_EQ(said.stream, logs::LogStream::system);
  const auto lost = kRecords - kept;
  EXPECT_EQ(said.data, "Records cut here: " + std::to_string(lost + 1) + " (" +
                           std::to_string(lost * kRecord + 5) +
                           " bytes); the log store was away for too long.\n");
  EXPECT_EQ(sink.kept.back().data, "after");
  expect_dense();
}

TEST_F(AttemptLogTest, AllAttemptsTogetherHoldNoMoreThanTheirBound) {
  sink.trouble = fail(Errc::store_unavailable, "away");
  sink.hold(AttemptLog::kAllSpoolsBytes - 200);
  write("fits");
  write(std::string(100, 'x'));
  sink.let_go(AttemptLog::kAllSpoolsBytes - 200);
  sink.trouble = std::nullopt;
  settle();
  ASSERT_EQ(sink.kept.size(), 2u);
  EXPECT_EQ(sink.kept[0].data, "fits");
  EXPECT_EQ(sink.kept[1].data,
            "Records cut here: 1 (100 bytes); the log store was away for too long.\n");
}

TEST_F(AttemptLogTest, WhatIsGivenUpIsHeldNoLonger) {
  sink.trouble = fail(Errc::store_unavailable, "away");
  write("a");
  write("b");
  log.give_up();
  EXPECT_EQ(sink.held_bytes(), 0u);
  settle();
  EXPECT_EQ(totals, LogTotals());
}

TEST_F(AttemptLogTest, WhatTheSinkKeepsCountsAsWritten) {
  write("a");
  sink.trouble = fail(Errc::store_unavailable, "away");
  write("bc");
  write("d");
  sink.keeps = true;
  log.give_up();
  settle();
  EXPECT_EQ(totals, (LogTotals{.records = 3, .bytes = 4}));
  ASSERT_EQ(sink.unsent.records.size(), 2u);
  EXPECT_EQ(sink.unsent.records[0].seq, 2u);
  EXPECT_EQ(sink.unsent.records[0].data, "bc");
  EXPECT_EQ(sink.unsent.records[1].data, "d");
  EXPECT_EQ(sink.held_bytes(), 0u);
}

}  // namespace
}  // namespace tandem::worker
