#include "worker/remote/report_spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "worker/remote/attempt_key_fixture.h"

namespace tandem::worker::remote {
namespace {

constexpr std::size_t kMuch = 1u << 20;

logs::LogAppend append_of(const AttemptKey& key, std::uint64_t first, std::uint64_t count) {
  logs::LogAppend append{.task_id = key.task_id, .attempt = key.attempt, .records = {}};
  for (std::uint64_t seq = first; seq < first + count; ++seq)
    append.records.push_back(
        {.attempt = key.attempt, .seq = seq, .ts = {}, .data = std::to_string(seq) + "\n"});
  return append;
}

Report final_of(const AttemptKey& key) {
  return {.task_id = key.task_id, .attempt = key.attempt, .kind = ReportKind::completed};
}

class ReportSpoolTest : public testing::Test {
 protected:
  void SetUp() override { spool.open(key, ReportSpool::FirstWord::running); }
  std::vector<Report> take() { return spool.take_reports(10, kMuch); }
  void announce() {
    ASSERT_EQ(take().size(), 1u);
    spool.report_taken(key, {});
  }

  ReportSpool spool;
  const AttemptKey key = numbered_key(1);
};

TEST_F(ReportSpoolTest, FirstSaysThatItRunsThenHowItEnded) {
  int ends = 0;
  ASSERT_TRUE(spool.add_report(final_of(key), [&](auto) { ++ends; }));
  auto first = take();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].kind, ReportKind::progress);
  EXPECT_TRUE(take().empty());
  spool.report_taken(key, {});
  EXPECT_EQ(take().at(0).kind, ReportKind::completed);
  EXPECT_EQ(ends, 0);
  spool.report_taken(key, {});
  EXPECT_EQ(ends, 1);
  EXPECT_TRUE(spool.is_empty());
}

TEST_F(ReportSpoolTest, FinalWaitsForTheLastRecord) {
  announce();
  bool is_durable = false;
  ASSERT_TRUE(spool.add_logs(append_of(key, 1, 3), [&](auto tail) {
    is_durable = tail && tail->last_seq == 3 && tail->records == 3;
  }));
  ASSERT_TRUE(spool.add_report(final_of(key), {}));
  EXPECT_TRUE(take().empty());
  ASSERT_TRUE(spool.take_logs(kMuch));
  spool.logs_taken(key, 2);
  EXPECT_TRUE(take().empty());
  auto rest = spool.take_logs(kMuch);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->records.at(0).seq, 3u);
  spool.logs_taken(key, 3);
  EXPECT_TRUE(is_durable);
  EXPECT_EQ(take().size(), 1u);
}

TEST_F(ReportSpoolTest, LostReportIsToldAgainWithTheNewestProgress) {
  announce();
  Report half{.task_id = key.task_id, .attempt = 1, .progress = Progress{.percent = 50}};
  ASSERT_TRUE(spool.add_report(half, {}));
  ASSERT_EQ(take().size(), 1u);
  spool.report_lost_on_way(key);
  auto again = take();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].progress->percent, 50);
  half.progress->percent = 60;
  ASSERT_TRUE(spool.add_report(half, {}));
  spool.report_lost_on_way(key);
  EXPECT_EQ(take().at(0).progress->percent, 60);
}

TEST_F(ReportSpoolTest, RenewalKeepsTheQuestionOpenUntilItsAnswer) {
  announce();
  Report asks{.task_id = key.task_id, .attempt = 1, .kind = ReportKind::waiting_for_input};
  asks.input_request = InputRequest{.request_id = "1", .prompt = "Name?"};
  ASSERT_TRUE(spool.add_report(asks, {}));
  EXPECT_EQ(take().at(0).kind, ReportKind::waiting_for_input);
  spool.report_taken(key, {});
  spool.renew(key);
  EXPECT_EQ(take().at(0).input_request->prompt, "Name?");
  spool.report_taken(key, {});
  spool.input_came(key);
  spool.renew(key);
  EXPECT_EQ(take().at(0).kind, ReportKind::progress);
}

TEST_F(ReportSpoolTest, ClosedAttemptIsToldOfNoMore) {
  std::vector<Errc> told;
  const auto note = [&](const auto& answer) { told.push_back(answer.error().code); };
  ASSERT_TRUE(spool.add_logs(append_of(key, 1, 2), note));
  ASSERT_TRUE(spool.add_report(final_of(key), note));
  spool.close(key);
  EXPECT_THAT(told, testing::ElementsAre(Errc::stale_attempt, Errc::stale_attempt));
  EXPECT_FALSE(spool.add_logs(append_of(key, 3, 1), note));
  EXPECT_FALSE(spool.add_report(final_of(key), note));
  EXPECT_EQ(spool.log_bytes(), 0u);
  EXPECT_FALSE(spool.take_logs(kMuch));
}

TEST_F(ReportSpoolTest, LogThatTheServerHasLostIsGivenUp) {
  Errc told = Errc::internal;
  ASSERT_TRUE(spool.add_logs(append_of(key, 1, 2), [](auto) {}));
  ASSERT_TRUE(spool.take_logs(kMuch));
  spool.logs_taken(key, 2);
  ASSERT_TRUE(spool.add_logs(append_of(key, 3, 1), [&](auto tail) { told = tail.error().code; }));
  ASSERT_TRUE(spool.take_logs(kMuch));
  spool.logs_taken(key, 0);  // an answer to a gap
  EXPECT_EQ(told, Errc::range_not_satisfiable);
  EXPECT_EQ(spool.log_bytes(), 0u);
}

// A service that keeps what it is told as the protocol says, and a way to it that loses requests
// and answers as chance will have it.
class Service {
 public:
  // The last durable seq: of what was taken, or of the gap.
  std::uint64_t take(const LogBatch& batch) {
    auto& log = logs_[batch.key.task_id];
    if (batch.records.front().seq > log.size() + 1) return log.size();
    for (const logs::LogRecord& record : batch.records)
      if (record.seq == log.size() + 1) log.push_back(record.data);
    return log.size();
  }
  void take(const Report& report) {
    const auto known = ends_.find(report.task_id);
    if (!is_final(report.kind)) {
      EXPECT_EQ(known, ends_.end()) << "spoken of after its end";
    } else if (known == ends_.end()) {
      ends_[report.task_id] = logs_[report.task_id].size();
    }
  }
  std::map<TaskId, std::vector<std::string>> logs_;
  std::map<TaskId, std::size_t> ends_;  // the records that were there
};

class Play {
 public:
  explicit Play(unsigned seed) : chance_(seed) {
    for (std::uint8_t number = 1; number <= kTasks; ++number)
      spool_.open(numbered_key(number), ReportSpool::FirstWord::running);
  }

  void play() {
    for (int step = 0; step < 20'000 && !spool_.is_empty(); ++step) {
      switch (chance_() % 4) {
        case 0: write(); break;
        case 1: send_logs(); break;
        case 2: send_reports(); break;
        case 3:
          if (!spool_.keys().empty()) spool_.renew(spool_.keys().front());
          break;
      }
    }
    ASSERT_TRUE(spool_.is_empty());
    EXPECT_EQ(spool_.log_bytes(), 0u);
    for (std::uint8_t number = 1; number <= kTasks; ++number) {
      const auto& log = service_.logs_[numbered_key(number).task_id];
      EXPECT_EQ(log.size(), written_[number]);
      for (std::size_t i = 0; i < log.size(); ++i) EXPECT_EQ(log[i], std::to_string(i + 1) + "\n");
      EXPECT_EQ(service_.ends_.at(numbered_key(number).task_id), log.size());
      EXPECT_EQ(told_ends_[number], 1);
    }
  }

 private:
  static constexpr std::uint8_t kTasks = 5;
  static constexpr std::uint64_t kRecords = 30;

  void write() {
    const auto number = static_cast<std::uint8_t>(1 + chance_() % kTasks);
    const AttemptKey key = numbered_key(number);
    if (busy_[number] || ended_[number]) return;
    if (written_[number] >= kRecords) {
      ended_[number] = true;
      EXPECT_TRUE(spool_.add_report(final_of(key), [this, number](const auto& answer) {
        EXPECT_TRUE(answer);
        ++told_ends_[number];
      }));
      return;
    }
    const std::uint64_t count = 1 + chance_() % 7;
    busy_[number] = true;
    EXPECT_TRUE(spool_.add_logs(append_of(key, written_[number] + 1, count),
                                [this, number](const auto& tail) {
                                  EXPECT_TRUE(tail);
                                  busy_[number] = false;
                                }));
    written_[number] += count;
  }

  void send_logs() {
    const auto batch = spool_.take_logs(1 + chance_() % 12);
    if (!batch) return;
    const unsigned fate = chance_() % 4;
    if (fate == 0) return spool_.logs_lost_on_way(batch->key);  // not heard
    const std::uint64_t committed = service_.take(*batch);
    if (fate == 1) return spool_.logs_lost_on_way(batch->key);  // heard, the answer lost
    spool_.logs_taken(batch->key, committed);
  }

  void send_reports() {
    for (const Report& report : spool_.take_reports(1 + chance_() % 3, kMuch)) {
      const AttemptKey key{report.task_id, report.attempt};
      const unsigned fate = chance_() % 4;
      if (fate > 0) service_.take(report);
      if (fate > 1)
        spool_.report_taken(key, {});
      else
        spool_.report_lost_on_way(key);
    }
  }

  std::mt19937 chance_;
  ReportSpool spool_;
  Service service_;
  std::map<std::uint8_t, std::uint64_t> written_;
  std::map<std::uint8_t, bool> busy_, ended_;
  std::map<std::uint8_t, int> told_ends_;
};

TEST(ReportSpoolProperty, WhateverIsLostEachRecordArrivesOnceInOrderAndBeforeTheEnd) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Play(seed).play();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace tandem::worker::remote
