#include "logs/redis/redis_tail_reader.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/id.h"
#include "blobs/dir_blob_store.h"
#include "logs/archive/archived_logs.h"
#include "logs/log_hub.h"
#include "logs/redis/redis_log_store.h"
#include "logs/redis/stream_entries.h"
#include "logs/redis/test_redis_server.h"
#include "logs/test_outbox.h"

// Several servers on one Redis, each with a hub of its own.
namespace tandem::logs {
namespace {

using Clock = std::chrono::steady_clock;

LogAppend make(TaskId task, std::uint32_t attempt, std::uint64_t first, std::uint64_t count) {
  LogAppend append{.task_id = task, .attempt = attempt, .records = {}};
  for (std::uint64_t seq = first; seq < first + count; ++seq)
    append.records.push_back({.attempt = attempt, .seq = seq, .data = std::to_string(seq) + ";"});
  return append;
}

struct Server {
  explicit Server(const TestRedisServer& redis) : store(RedisLogStore::make(redis.address())) {}
  std::unique_ptr<RedisLogStore> store;
  LogHub hub{*store};
};

Result<LogTail> append(LogHub& hub, LogAppend one) {
  TestOutbox outbox;
  std::optional<Result<LogTail>> answer;
  hub.append(std::move(one), outbox, [&](Result<LogTail> result) { answer = result; });
  EXPECT_TRUE(outbox.run_until([&] { return answer.has_value(); }));
  return *answer;
}

void append_until_taken(LogHub& hub, const LogAppend& one) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (append(hub, one).has_error()) ASSERT_LT(Clock::now(), deadline);
}

// Sees what it is told from the call on, and that nothing is told twice, too late or left out.
class Viewer {
 public:
  Viewer(Server& server, TaskId task) : hub_(server.hub), task_(task) {
    id_ = hub_.follow(task, outbox_, [this](const LogChunk& chunk) {
      if (has_read_ && !is_met_) read();
      is_met_ = true;
      for (const LogRecord& record : *chunk) take(record);
    });
  }
  ~Viewer() { hub_.unfollow(task_, id_); }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  bool sees(LogPosition end) {
    return outbox_.run_until([&] { return at_ >= end || !is_right_; }) && is_right_ && at_ == end;
  }
  // What was there when the viewer came, until it meets what it is told; that may overlap.
  void read() {
    has_read_ = true;
    auto records = hub_.reader().read(task_, at_, 100'000, 1u << 30);
    ASSERT_TRUE(records.has_value());
    for (const LogRecord& record : *records) take(record);
    overlaps_to_ = at_;
  }
  std::optional<LogPosition> first() const { return first_; }
  void run_arrived() { outbox_.run_arrived(); }

 private:
  void take(const LogRecord& record) {
    const LogPosition next = record.position();
    if (next <= overlaps_to_) return;
    const bool goes_on = next.attempt == at_.attempt ? next.seq == at_.seq + 1
                                                     : next.attempt > at_.attempt && next.seq == 1;
    is_right_ = is_right_ && (!first_ || goes_on);
    if (!first_) first_ = next;
    at_ = next;
  }

  LogHub& hub_;
  TaskId task_;
  TestOutbox outbox_;
  LogHub::FollowId id_ = 0;
  std::optional<LogPosition> first_;
  LogPosition at_, overlaps_to_;
  bool is_right_ = true, has_read_ = false, is_met_ = false;
};

class RedisTailReaderTest : public testing::Test {
 protected:
  std::string tell(std::initializer_list<std::string_view> command) {
    auto connection = RedisConnection::open(redis_.address());
    if (!connection) return {};
    const auto answer = connection->ask(command);
    return answer ? std::string(text_of(**answer)) : std::string();
  }
  // The ids of the clients that wait in XREAD, or whose last command was one.
  std::vector<std::string> readers(std::string_view flags = " flags=b ") {
    std::vector<std::string> ids;
    const std::string all = tell({"CLIENT", "LIST"});
    for (std::size_t at = 0; at < all.size();) {
      const std::string line = all.substr(at, all.find('\n', at) - at);
      at += line.size() + 1;
      if (line.find(flags) != line.npos && line.find(" cmd=xread ") != line.npos)
        ids.push_back(line.substr(3, line.find(' ') - 3));
    }
    return ids;
  }
  void await_waiting(std::size_t count) {
    const auto deadline = Clock::now() + std::chrono::minutes(1);
    while (readers().size() != count) ASSERT_LT(Clock::now(), deadline);
  }
  std::string xreads() {
    const std::string all = tell({"INFO", "commandstats"});
    const std::size_t at = all.find("cmdstat_xread:");
    return at == all.npos ? "none" : all.substr(at, all.find('\n', at) - at);
  }

  int wake_keys_that_expire() {
    auto connection = RedisConnection::open(redis_.address());
    if (!connection) return -1;
    const auto keys = connection->ask({"KEYS", "tandem:wake:*"});
    if (!keys) return -1;
    int count = 0;
    for (std::size_t i = 0; i < (*keys)->elements; ++i) {
      const auto seconds = connection->ask({"TTL", text_of(*(*keys)->element[i])});
      if (seconds && (*seconds)->integer > 0) ++count;
    }
    return count;
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
  TestRedisServer redis_{{"--appendonly", "yes", "--appendfsync", "always"}};
  Server a_{redis_}, b_{redis_};
};

TEST_F(RedisTailReaderTest, AViewerAtOneServerSeesWhatIsAppendedAtAnother) {
  Viewer viewer(b_, task_);  // before there is a stream
  for (std::uint64_t seq = 1; seq <= 300; seq += 3)
    ASSERT_TRUE(append(a_.hub, make(task_, 1, seq, 3)).has_value());
  ASSERT_TRUE(append(a_.hub, make(task_, 2, 1, 2)).has_value());
  EXPECT_TRUE(viewer.sees({2, 2}));
}

TEST_F(RedisTailReaderTest, AppendsAtBothInTurnAreSeenOnceAndInOrderAtBoth) {
  Viewer at_a(a_, task_), at_b(b_, task_);
  for (std::uint64_t seq = 1; seq <= 200; seq += 2) {
    ASSERT_TRUE(append(a_.hub, make(task_, 1, seq, 1)).has_value());
    // The answer was lost on the way: the worker repeats it at the other server.
    ASSERT_TRUE(append(b_.hub, make(task_, 1, seq, 2)).has_value());
  }
  EXPECT_TRUE(at_a.sees({1, 200}));
  EXPECT_TRUE(at_b.sees({1, 200}));
}

TEST_F(RedisTailReaderTest, WhoComesInTheMiddleMeetsWhatItReadFirst) {
  constexpr std::uint64_t kRecords = 2000;
  std::thread writer([&] {
    for (std::uint64_t seq = 1; seq <= kRecords; seq += 4)
      append_until_taken(seq % 8 == 1 ? a_.hub : b_.hub, make(task_, 1, seq, 4));
  });
  std::vector<std::thread> viewers;
  for (int i = 0; i < 3; ++i)
    viewers.emplace_back([&] {
      for (int times = 0; times < 10; ++times) {  // mostly while it is written
        Viewer viewer(b_, task_);
        viewer.read();
        EXPECT_TRUE(times < 9 || viewer.sees({1, kRecords}));
      }
    });
  writer.join();
  for (std::thread& viewer : viewers) viewer.join();
}

TEST_F(RedisTailReaderTest, WhatIsToldFirstAreTheLastTwoRecordsThatWereThere) {
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 1, 50)).has_value());
  ASSERT_TRUE(append(a_.hub, make(task_, 2, 1, 1)).has_value());
  Viewer viewer(b_, task_);
  EXPECT_TRUE(viewer.sees({2, 1}));
  EXPECT_EQ(viewer.first(), (LogPosition{1, 50}));
  ASSERT_TRUE(append(a_.hub, make(task_, 2, 2, 1)).has_value());
  EXPECT_TRUE(viewer.sees({2, 2}));
}

TEST_F(RedisTailReaderTest, AThousandViewersOfATaskAreOneReaderAtRedis) {
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (int i = 0; i < 1000; ++i) viewers.push_back(std::make_unique<Viewer>(b_, task_));
  const TaskId other = ids_.make<TaskId>();
  Viewer one_more(b_, other);
  await_waiting(1);
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 1, 5)).has_value());
  ASSERT_TRUE(append(a_.hub, make(other, 1, 1, 1)).has_value());
  for (const auto& viewer : viewers) ASSERT_TRUE(viewer->sees({1, 5}));
  EXPECT_TRUE(one_more.sees({1, 1}));
  await_waiting(1);
}

TEST_F(RedisTailReaderTest, ManyTasksAreFollowedOneAfterTheOther) {
  std::vector<TaskId> tasks;
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (int i = 0; i < 300; ++i) {
    tasks.push_back(ids_.make<TaskId>());
    viewers.push_back(std::make_unique<Viewer>(b_, tasks.back()));
    ASSERT_TRUE(append(a_.hub, make(tasks.back(), 1, 1, 2)).has_value());
  }
  for (const auto& viewer : viewers) ASSERT_TRUE(viewer->sees({1, 2}));
  for (const TaskId& task : tasks) ASSERT_TRUE(append(a_.hub, make(task, 1, 3, 50)).has_value());
  for (const auto& viewer : viewers) ASSERT_TRUE(viewer->sees({1, 52}));
}

TEST_F(RedisTailReaderTest, AViewerOfAnotherTaskEndsTheWaitByAnEntryThatExpires) {
  const TaskId other = ids_.make<TaskId>();
  ASSERT_TRUE(append(a_.hub, make(other, 1, 1, 1)).has_value());
  Viewer viewer(b_, task_);
  await_waiting(1);
  EXPECT_EQ(wake_keys_that_expire(), 0);
  Viewer another(b_, other);
  EXPECT_TRUE(another.sees({1, 1}));
  EXPECT_EQ(wake_keys_that_expire(), 1);
}

TEST_F(RedisTailReaderTest, WithoutViewersRedisIsNotAsked) {
  EXPECT_TRUE(append(b_.hub, make(task_, 1, 1, 1)).has_value());
  EXPECT_EQ(xreads(), "none");
  {
    Viewer viewer(b_, task_);
    EXPECT_TRUE(viewer.sees({1, 1}));
    await_waiting(1);
  }
  EXPECT_TRUE(append(a_.hub, make(task_, 1, 2, 1)).has_value());  // ends the last wait
  const auto deadline = Clock::now() + std::chrono::minutes(1);
  while (!readers("").empty()) ASSERT_LT(Clock::now(), deadline);
  const std::string before = xreads();
  EXPECT_NE(before, "none");
  EXPECT_TRUE(append(a_.hub, make(task_, 1, 3, 1)).has_value());
  EXPECT_EQ(xreads(), before);
}

TEST_F(RedisTailReaderTest, AConnectionThatIsCutGoesOnWhereItWas) {
  Viewer viewer(b_, task_);
  std::uint64_t seq = 1;
  for (int times = 0; times < 10; ++times) {
    ASSERT_TRUE(append(a_.hub, make(task_, 1, seq, 3)).has_value());
    await_waiting(1);
    for (const std::string& id : readers()) tell({"CLIENT", "KILL", "ID", id});
    ASSERT_TRUE(append(a_.hub, make(task_, 1, seq + 3, 3)).has_value());
    seq += 6;
    ASSERT_TRUE(viewer.sees({1, seq - 1}));
  }
}

TEST_F(RedisTailReaderTest, ARestartOfRedisIsAPause) {
  Viewer viewer(b_, task_);
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 1, 3)).has_value());
  redis_.kill();
  const TaskId other = ids_.make<TaskId>();
  Viewer meanwhile(b_, other);
  EXPECT_TRUE(append(a_.hub, make(task_, 1, 4, 3)).has_error());
  ASSERT_TRUE(redis_.start());
  append_until_taken(a_.hub, make(task_, 1, 4, 3));
  append_until_taken(a_.hub, make(other, 1, 1, 2));
  EXPECT_TRUE(viewer.sees({1, 6}));
  EXPECT_TRUE(meanwhile.sees({1, 2}));
}

TEST_F(RedisTailReaderTest, WhereRedisHasLostRecordsTheLogGoesOn) {
  Viewer viewer(b_, task_);
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 1, 3)).has_value());
  EXPECT_TRUE(viewer.sees({1, 3}));
  tell({"FLUSHALL"});
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 4, 2)).has_value());
  EXPECT_TRUE(viewer.sees({1, 5}));
}

TEST_F(RedisTailReaderTest, APackedLogIsTheEndAndTheOthersGoOn) {
  std::string folder = testing::TempDir() + "/tandem_packed_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto blobs = blobs::open_dir_blob_store(folder).value();
  ArchivedLogs logs(*a_.store, *blobs);
  const TaskId other = ids_.make<TaskId>();
  Viewer viewer(b_, task_), another(b_, other);
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 1, 4)).has_value());
  ASSERT_TRUE(logs.archive(task_, {1, 4}).has_value());
  ASSERT_TRUE(append(a_.hub, make(other, 1, 1, 1)).has_value());
  EXPECT_TRUE(viewer.sees({1, 4}));
  EXPECT_TRUE(another.sees({1, 1}));
  ASSERT_TRUE(append(a_.hub, make(task_, 2, 1, 1)).has_value());  // it is run again
  EXPECT_TRUE(viewer.sees({2, 1}));
  std::filesystem::remove_all(folder);
}

TEST_F(RedisTailReaderTest, WhatIsNoRecordOfOursHoldsUpNobody) {
  const TaskId other = ids_.make<TaskId>();
  Viewer viewer(b_, task_), another(b_, other);
  tell({"XADD", redis_log_key(other), "99999999999-1", "what", "is this"});
  tell({"XADD", redis_log_key(other), "*", "what", "is this"});
  ASSERT_TRUE(append(a_.hub, make(task_, 1, 1, 1)).has_value());
  EXPECT_TRUE(viewer.sees({1, 1}));
  await_waiting(1);
}

TEST_F(RedisTailReaderTest, AHubThatEndsDoesNotWaitForRedis) {
  auto gone = std::make_unique<Server>(redis_);
  TestOutbox outbox;
  gone->hub.follow(task_, outbox, [](const LogChunk&) {});
  await_waiting(1);
  const auto begin = Clock::now();
  redis_.send(SIGSTOP);
  gone.reset();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(3));
  redis_.send(SIGCONT);
}

}  // namespace
}  // namespace tandem::logs
