#include "logs/log_hub.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>

#include "base/id.h"
#include "base/limits.h"
#include "logs/memory/memory_log_store.h"
#include "logs/test_outbox.h"

namespace tandem::logs {
namespace {

LogAppend make(TaskId task, std::uint32_t attempt, std::uint64_t first,
               const std::vector<std::string>& data) {
  LogAppend append{.task_id = task, .attempt = attempt};
  for (std::size_t i = 0; i < data.size(); ++i)
    append.records.push_back({.attempt = attempt, .seq = first + i, .data = data[i]});
  return append;
}

class LogHubTest : public testing::Test {
 protected:
  Result<LogTail> append(LogAppend one) {
    std::optional<Result<LogTail>> answer;
    hub_->append(std::move(one), outbox_, [&](Result<LogTail> result) { answer = result; });
    EXPECT_TRUE(outbox_.run_until([&] { return answer.has_value(); }));
    return *answer;
  }
  std::uint64_t last_seq(LogAppend one) {
    const auto answer = append(std::move(one));
    EXPECT_TRUE(answer.has_value()) << answer.error().detail;
    return answer.has_value() ? answer->last_seq : UINT64_MAX;
  }
  Errc error(LogAppend one) {
    const auto answer = append(std::move(one));
    EXPECT_TRUE(answer.has_error());
    return answer.has_error() ? answer.error().code : Errc::internal;
  }
  Result<void> remove(std::vector<TaskId> tasks) {
    std::optional<Result<void>> answer;
    hub_->remove(std::move(tasks), outbox_, [&](Result<void> result) { answer = result; });
    EXPECT_TRUE(outbox_.run_until([&] { return answer.has_value(); }));
    return *answer;
  }
  std::string text(TaskId task) {
    std::string all;
    for (const LogRecord& record : *store_.read(task, {}, 100'000, 1u << 30)) all += record.data;
    return all;
  }
  void restart() {
    hub_.reset();
    hub_.emplace(store_);
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
  TaskId other_ = ids_.make<TaskId>();
  MemoryLogStore store_;
  TestOutbox outbox_;
  std::optional<LogHub> hub_{std::in_place, store_};
};

TEST_F(LogHubTest, AnswersTheNewTail) {
  const auto tail = append(make(task_, 1, 1, {"abc", "de"}));
  ASSERT_TRUE(tail.has_value());
  EXPECT_EQ(tail->last_seq, 2u);
  EXPECT_EQ(tail->records, 2u);
  EXPECT_EQ(tail->bytes, 5u);
  EXPECT_EQ(append(make(task_, 1, 3, {"f"}))->bytes, 6u);
  EXPECT_EQ(text(task_), "abcdef");
}

TEST_F(LogHubTest, RepeatsAreSkippedAlsoInPartAndAfterARestart) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a", "b"})), 2u);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a", "b"})), 2u);
  EXPECT_EQ(last_seq(make(task_, 1, 2, {"B", "c"})), 3u);
  restart();
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"A"})), 3u);
  EXPECT_EQ(last_seq(make(task_, 1, 3, {"C", "d"})), 4u);
  EXPECT_EQ(text(task_), "abcd");
}

TEST_F(LogHubTest, AGapWritesNothingOfTheAppend) {
  EXPECT_EQ(error(make(task_, 1, 2, {"b"})), Errc::range_not_satisfiable);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_EQ(error(make(task_, 1, 3, {"c", "d"})), Errc::range_not_satisfiable);
  restart();
  EXPECT_EQ(error(make(task_, 1, 3, {"c"})), Errc::range_not_satisfiable);
  EXPECT_EQ(text(task_), "a");
}

TEST_F(LogHubTest, AnEmptyAppendAsksForTheTail) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {})), 0u);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a", "b"})), 2u);
  EXPECT_EQ(last_seq(make(task_, 2, 1, {})), 0u);  // does not make attempt 1 stale
  EXPECT_EQ(last_seq(make(task_, 1, 3, {"c"})), 3u);
  EXPECT_EQ(last_seq(make(task_, 2, 1, {"d"})), 1u);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {})), 3u);
}

TEST_F(LogHubTest, AnEarlierAttemptIsStale) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_EQ(last_seq(make(task_, 3, 1, {"b"})), 1u);
  EXPECT_EQ(error(make(task_, 1, 2, {"x"})), Errc::stale_attempt);
  EXPECT_EQ(error(make(task_, 2, 1, {"x"})), Errc::stale_attempt);
  restart();
  EXPECT_EQ(error(make(task_, 1, 2, {"x"})), Errc::stale_attempt);
  EXPECT_EQ(error(make(task_, 2, 1, {"x"})), Errc::stale_attempt);
  EXPECT_EQ(last_seq(make(task_, 3, 2, {"c"})), 2u);
  EXPECT_EQ(text(task_), "abc");
}

TEST_F(LogHubTest, RefusesWhatIsNotDenseOrTooLarge) {
  LogAppend gaps = make(task_, 1, 1, {"a", "b"});
  gaps.records[1].seq = 3;
  EXPECT_EQ(error(gaps), Errc::validation_failed);
  gaps.records[1].seq = 1;
  EXPECT_EQ(error(gaps), Errc::validation_failed);
  EXPECT_EQ(error(make(task_, 1, 0, {"a"})), Errc::validation_failed);
  EXPECT_EQ(error(make(task_, 0, 1, {"a"})), Errc::validation_failed);
  EXPECT_EQ(error(make(task_, 1, INT64_MAX, {"a", "b"})), Errc::validation_failed);
  EXPECT_EQ(error(make(task_, 1, UINT64_MAX, {"a", "b"})), Errc::validation_failed);
  EXPECT_EQ(error(make(task_, 1, 1, {std::string(limits::kMaxRecordBytes + 1, 'x')})),
            Errc::too_large);
  EXPECT_EQ(text(task_), "");
  EXPECT_EQ(last_seq(make(task_, 1, 1, {std::string(limits::kMaxRecordBytes, 'x')})), 1u);
}

TEST_F(LogHubTest, AFailingStoreIsSaidAndARepeatWorksWhenItIsBack) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  store_.fail_with(fail(Errc::disk_full, "full"));
  EXPECT_EQ(error(make(task_, 1, 2, {"b"})), Errc::disk_full);
  EXPECT_EQ(error(make(other_, 1, 1, {"x"})), Errc::disk_full);
  EXPECT_EQ(remove({task_}).error().code, Errc::disk_full);
  store_.fail_with(std::nullopt);
  EXPECT_EQ(error(make(task_, 1, 3, {"c"})), Errc::range_not_satisfiable);
  EXPECT_EQ(last_seq(make(task_, 1, 2, {"b"})), 2u);
  EXPECT_EQ(text(task_), "ab");
  EXPECT_EQ(hub_->pending_bytes(), 0u);
}

TEST_F(LogHubTest, FollowersGetEveryNewRecordOnceAndInOrder) {
  std::string seen;
  std::uint64_t calls = 0;
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  const auto id = hub_->follow(task_, outbox_, [&](LogChunk chunk) {
    ++calls;
    for (const LogRecord& record : *chunk) seen += record.data;
  });
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a", "b", "c"})), 3u);
  EXPECT_EQ(last_seq(make(other_, 1, 1, {"x"})), 1u);
  EXPECT_EQ(last_seq(make(task_, 1, 2, {"b", "c"})), 3u);  // only repeats: nothing to tell
  EXPECT_EQ(last_seq(make(task_, 2, 1, {"d"})), 1u);
  EXPECT_TRUE(outbox_.run_until([&] { return seen == "bcd"; })) << seen;
  EXPECT_EQ(calls, 2u);
  hub_->unfollow(task_, id);
  EXPECT_EQ(last_seq(make(task_, 2, 2, {"e"})), 2u);
  outbox_.run_arrived();
  EXPECT_EQ(seen, "bcd");
}

TEST_F(LogHubTest, FollowersHearNothingOfAFailedCommit) {
  std::string seen;
  hub_->follow(task_, outbox_, [&](LogChunk chunk) {
    for (const LogRecord& record : *chunk) seen += record.data;
  });
  store_.fail_with(fail(Errc::store_unavailable, "away"));
  EXPECT_EQ(error(make(task_, 1, 1, {"x"})), Errc::store_unavailable);
  store_.fail_with(std::nullopt);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_TRUE(outbox_.run_until([&] { return !seen.empty(); }));
  EXPECT_EQ(seen, "a");
}

// A store that can lose records, and to which another server appends too.
class RemoteLogHubTest : public LogHubTest {
 protected:
  RemoteLogHubTest() { store_.set_is_remote(true); }
  Result<LogTail> append_elsewhere(LogAppend one) {
    std::optional<Result<LogTail>> answer;
    another_.append(std::move(one), outbox_, [&](Result<LogTail> result) { answer = result; });
    EXPECT_TRUE(outbox_.run_until([&] { return answer.has_value(); }));
    return *answer;
  }

 private:
  LogHub another_{store_};
};

TEST_F(RemoteLogHubTest, WhatTheStoreLostDoesNotHoldUpTheRest) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a", "b"})), 2u);
  store_.fail_with(fail(Errc::store_unavailable, "away"));
  EXPECT_EQ(error(make(task_, 1, 3, {"c"})), Errc::store_unavailable);
  store_.fail_with(std::nullopt);
  ASSERT_TRUE(store_.remove(std::vector{task_}, 1 << 20).has_value());
  EXPECT_EQ(last_seq(make(task_, 1, 3, {"c"})), 3u);
  EXPECT_EQ(text(task_), "c");
}

TEST_F(RemoteLogHubTest, AGapThatComesAgainIsALoss) {
  EXPECT_EQ(error(make(task_, 1, 3, {"c"})), Errc::range_not_satisfiable);
  EXPECT_EQ(error(make(task_, 1, 5, {"e"})), Errc::range_not_satisfiable);
  EXPECT_EQ(error(make(task_, 1, 3, {"c"})), Errc::range_not_satisfiable);
  EXPECT_EQ(last_seq(make(task_, 1, 3, {"c", "d"})), 4u);
  EXPECT_EQ(error(make(other_, 1, 3, {"c"})), Errc::range_not_satisfiable);
  EXPECT_EQ(last_seq(make(other_, 1, 1, {"a", "b"})), 2u);
  EXPECT_EQ(last_seq(make(other_, 1, 3, {"c"})), 3u);
}

TEST_F(RemoteLogHubTest, WhatAnotherServerWroteIsSeenBeforeAGapIsSaid) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_TRUE(append_elsewhere(make(task_, 1, 2, {"b", "c"})).has_value());
  EXPECT_EQ(last_seq(make(task_, 1, 4, {"d"})), 4u);
  EXPECT_EQ(text(task_), "abcd");
}

TEST_F(RemoteLogHubTest, WhatAnotherServerCommittedIsARepeatHere) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_TRUE(append_elsewhere(make(task_, 1, 2, {"bb", "cc"})).has_value());
  const auto repeated = append(make(task_, 1, 2, {"BB"}));
  ASSERT_TRUE(repeated.has_value());
  EXPECT_EQ(repeated->last_seq, 3u);
  EXPECT_EQ(repeated->bytes, 5u);
  EXPECT_TRUE(append_elsewhere(make(task_, 1, 4, {"d"})).has_value());
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"A", "BB", "CC", "D", "e"})), 5u);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"A"})), 5u);
  EXPECT_EQ(text(task_), "abbccde");
}

TEST_F(RemoteLogHubTest, TheTailThatIsSaidIsTheStoresNotTheOneRemembered) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_TRUE(append_elsewhere(make(task_, 1, 2, {"b", "c"})).has_value());
  EXPECT_EQ(last_seq(make(task_, 1, 1, {})), 3u);
  const auto gap = append(make(task_, 1, 6, {"f"}));
  ASSERT_TRUE(gap.has_error());
  EXPECT_EQ(gap.error().code, Errc::range_not_satisfiable);
  EXPECT_EQ(gap.error().detail, "The log goes on at 4.");
}

TEST_F(RemoteLogHubTest, ALaterAttemptElsewhereMakesThisOneStaleAndHoldsUpNobodyElse) {
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"a"})), 1u);
  EXPECT_TRUE(append_elsewhere(make(task_, 2, 1, {"b"})).has_value());
  EXPECT_EQ(error(make(task_, 1, 2, {"x"})), Errc::stale_attempt);  // right behind what it knew
  EXPECT_EQ(error(make(task_, 1, 1, {"x"})), Errc::stale_attempt);
  EXPECT_EQ(error(make(task_, 1, 9, {"x"})), Errc::stale_attempt);
  EXPECT_EQ(last_seq(make(task_, 2, 2, {"c"})), 2u);
  EXPECT_EQ(text(task_), "abc");
}

TEST_F(LogHubTest, RemoveForgetsTheTail) {
  EXPECT_EQ(last_seq(make(task_, 2, 1, {"a", "b"})), 2u);
  EXPECT_TRUE(remove({task_, other_}).has_value());
  EXPECT_TRUE(remove({}).has_value());
  EXPECT_EQ(text(task_), "");
  EXPECT_EQ(error(make(task_, 2, 3, {"c"})), Errc::range_not_satisfiable);
  EXPECT_EQ(last_seq(make(task_, 1, 1, {"n"})), 1u);
}

TEST_F(LogHubTest, ALargeLogIsRemovedWhole) {
  const std::string data(limits::kMaxRecordBytes, 'x');
  for (std::uint64_t seq = 1; seq <= 200; seq += 10)
    EXPECT_EQ(last_seq(make(task_, 1, seq, std::vector<std::string>(10, data))), seq + 9);
  EXPECT_TRUE(remove({task_, other_}).has_value());
  EXPECT_EQ(text(task_), "");
}

TEST_F(LogHubTest, WhatHasComeInIsCommittedAndAnsweredAtTheEnd) {
  int answers = 0;
  for (std::uint64_t seq = 1; seq <= 500; ++seq)
    hub_->append(make(task_, 1, seq, {"x"}), outbox_, [&](Result<LogTail> result) {
      if (result.has_value()) ++answers;
    });
  hub_.reset();
  outbox_.run_arrived();
  EXPECT_EQ(answers, 500);
  EXPECT_EQ(text(task_).size(), 500u);
}

// A store whose first append waits until the test lets it go on.
class GatedStore final : public LogStore {
 public:
  explicit GatedStore(LogStore& inner) : inner_(inner) {}
  Result<std::vector<TaskTail>> append(std::span<const LogAppend> appends) override {
    {
      std::unique_lock lock(mutex_);
      ++calls_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    }
    return inner_.append(appends);
  }
  Result<std::vector<LogRecord>> read(TaskId task, LogPosition after, int limit,
                                      std::size_t max_bytes) override {
    return inner_.read(task, after, limit, max_bytes);
  }
  Result<LogTail> tail(TaskId task, std::uint32_t attempt) override {
    return inner_.tail(task, attempt);
  }
  Result<std::size_t> remove(std::span<const TaskId> tasks, std::size_t max_bytes) override {
    return inner_.remove(tasks, max_bytes);
  }
  Result<std::vector<TaskId>> tasks(TaskId after, std::size_t limit) override {
    return inner_.tasks(after, limit);
  }
  void await_call() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  LogStore& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  bool open_ = false;
};

TEST_F(LogHubTest, WhatComesDuringACommitGoesIntoTheNextOneTogether) {
  GatedStore gated(store_);
  LogHub hub(gated);
  std::vector<std::uint64_t> order;
  const auto note = [&](Result<LogTail> result) { order.push_back(result->last_seq); };
  hub.append(make(task_, 1, 1, {"a"}), outbox_, note);
  gated.await_call();
  EXPECT_EQ(hub.pending_bytes(), 1u);
  for (std::uint64_t seq = 2; seq <= 300; ++seq)
    hub.append(make(task_, 1, seq, {"b"}), outbox_, note);
  EXPECT_EQ(hub.pending_bytes(), 300u);
  EXPECT_EQ(outbox_.posts(), 0u);
  gated.open();
  EXPECT_TRUE(outbox_.run_until([&] { return order.size() == 300; }));
  for (std::uint64_t seq = 1; seq <= 300; ++seq) EXPECT_EQ(order[seq - 1], seq);
  EXPECT_EQ(gated.calls(), 2);
  EXPECT_EQ(outbox_.posts(), 2u);
  EXPECT_EQ(hub.pending_bytes(), 0u);
}

TEST_F(LogHubTest, ARepeatWithinAFailedCommitIsNotAnsweredAsDurable) {
  GatedStore gated(store_);
  LogHub hub(gated);
  std::vector<Result<LogTail>> answers;
  const auto note = [&](Result<LogTail> result) { answers.push_back(result); };
  hub.append(make(other_, 1, 1, {"x"}), outbox_, note);
  gated.await_call();
  store_.fail_with(fail(Errc::disk_full, "full"));
  hub.append(make(task_, 1, 1, {"a"}), outbox_, note);
  hub.append(make(task_, 1, 1, {"a"}), outbox_, note);
  gated.open();
  EXPECT_TRUE(outbox_.run_until([&] { return answers.size() == 3; }));
  for (const auto& answer : answers) EXPECT_TRUE(answer.has_error());
}

// Four writers and three followers at once; every follower that reads first and then follows has
// the whole log, without a gap or a double.
TEST_F(LogHubTest, ReadThenFollowHasNoGapWhileOthersWrite) {
  constexpr std::uint64_t kRecords = 300;
  std::vector<std::thread> threads;
  std::vector<TaskId> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(ids_.make<TaskId>());
  for (const TaskId& task : tasks)
    threads.emplace_back([this, task] {
      TestOutbox outbox;
      std::uint64_t answered = 0;
      for (std::uint64_t seq = 1; seq <= kRecords; ++seq) {
        hub_->append(make(task, 1, seq, {"r"}), outbox, [&](Result<LogTail> tail) {
          answered = tail.has_value() ? tail->last_seq : 0;
        });
        ASSERT_TRUE(outbox.run_until([&] { return seq - answered < 20; }));
      }
      ASSERT_TRUE(outbox.run_until([&] { return answered == kRecords; }));
      hub_->unfollow(task, 0);
    });
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([this, task = tasks[static_cast<std::size_t>(i)]] {
      TestOutbox outbox;
      LogPosition at;
      bool dense = true;
      const auto take = [&](const std::vector<LogRecord>& records) {
        for (const LogRecord& record : records) {
          if (record.position() <= at) continue;
          dense = dense && record.seq == at.seq + 1;
          at = record.position();
        }
      };
      std::vector<LogChunk> early;
      const auto id =
          hub_->follow(task, outbox, [&](LogChunk chunk) { early.push_back(std::move(chunk)); });
      take(*hub_->store().read(task, {}, 100'000, 1 << 30));
      ASSERT_TRUE(outbox.run_until([&] {
        for (const LogChunk& chunk : early) take(*chunk);
        early.clear();
        return at.seq == kRecords;
      }));
      EXPECT_TRUE(dense);
      hub_->unfollow(task, id);
    });
  for (std::thread& thread : threads) thread.join();
  hub_.reset();
}

}  // namespace
}  // namespace tandem::logs
