#include "logs/redis/redis_log_store.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <chrono>

#include "base/id.h"
#include "logs/redis/test_redis_server.h"

// What is of Redis alone; what every engine does is in log_store_conformance_test.cc.
namespace tandem::logs {
namespace {

using Clock = std::chrono::steady_clock;

class RedisLogStoreTest : public testing::Test {
 protected:
  LogAppend make(std::uint64_t first, const std::vector<std::string>& data) {
    LogAppend append{.task_id = task_, .attempt = 1, .records = {}};
    for (std::size_t i = 0; i < data.size(); ++i)
      append.records.push_back({.attempt = 1,
                                .seq = first + i,
                                .ts = {1'700'000'000'000},
                                .stream = LogStream::stdout_,
                                .data = data[i]});
    return append;
  }
  Result<std::vector<TaskTail>> append(RedisLogStore& store, std::uint64_t first,
                                       const std::vector<std::string>& data) {
    const LogAppend one = make(first, data);
    const auto begin = Clock::now();
    auto done = store.append({&one, 1});
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
    return done;
  }
  void append_until_taken(RedisLogStore& store, std::uint64_t first,
                          const std::vector<std::string>& data) {
    const auto deadline = Clock::now() + std::chrono::seconds(5);
    while (append(store, first, data).has_error()) ASSERT_LT(Clock::now(), deadline);
  }
  std::string text(RedisLogStore& store) {
    const auto records = store.read(task_, {}, 10'000, 1u << 30);
    if (!records) return "error: " + records.error().detail;
    std::string all;
    for (const LogRecord& record : *records) all += record.data;
    return all;
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
};

TEST_F(RedisLogStoreTest, OthersCanReadTheStream) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"one\n", "two\n"}).has_value());
  auto connection = RedisConnection::open(redis.address());
  ASSERT_TRUE(connection.has_value());
  const std::string key = "tandem:log:{" + to_string(task_) + "}";
  const auto reply = connection->ask({"XRANGE", key, "1-2", "1-2"});
  ASSERT_TRUE(reply.has_value());
  ASSERT_EQ((*reply)->elements, 1u);
  EXPECT_STREQ((*reply)->element[0]->element[0]->str, "1-2");
  std::vector<std::string> fields;
  const redisReply& list = *(*reply)->element[0]->element[1];
  for (std::size_t i = 0; i < list.elements; ++i) fields.emplace_back(list.element[i]->str);
  EXPECT_EQ(fields, (std::vector<std::string>{"ts", "1700000000000", "stream", "stdout", "data",
                                              "two\n", "total", "8"}));
  const auto refused = connection->ask({"XADD", key, "1-2", "data", "again"});
  EXPECT_TRUE(refused.has_error());
}

TEST_F(RedisLogStoreTest, AWrongPasswordIsSaid) {
  TestRedisServer redis({}, "the password");
  RedisAddress address = redis.address();
  for (const char* wrong : {"", "another"}) {
    address.password = wrong;
    const auto done = append(*RedisLogStore::make(address), 1, {"a"});
    ASSERT_TRUE(done.has_error());
    EXPECT_EQ(done.error().code, Errc::store_unavailable);
    EXPECT_EQ(done.error().detail, "Redis refuses the user or the password.");
  }
}

TEST_F(RedisLogStoreTest, WhileItIsAwayTheErrorsAreQuickAndItComesBackByItself) {
  TestRedisServer redis({"--appendonly", "yes", "--appendfsync", "always"});
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a"}).has_value());
  redis.kill();
  EXPECT_EQ(append(*store, 2, {"b"}).error().code, Errc::store_unavailable);
  EXPECT_TRUE(store->read(task_, {}, 1, 1).has_error());
  EXPECT_TRUE(store->tail(task_, 1).has_error());
  ASSERT_TRUE(redis.start());
  append_until_taken(*store, 2, {"b"});
  EXPECT_EQ(text(*store), "ab");
}

TEST_F(RedisLogStoreTest, AnIdleConnectionThatARestartCutIsMadeAnew) {
  TestRedisServer redis({"--appendonly", "yes", "--appendfsync", "always"});
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a"}).has_value());
  redis.kill();
  ASSERT_TRUE(redis.start());
  EXPECT_TRUE(append(*store, 2, {"b"}).has_value());
  EXPECT_EQ(text(*store), "ab");
}

TEST_F(RedisLogStoreTest, OneThatStandsStillIsToldInTimeAndKeepsNobodyWaitingTwice) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a"}).has_value());
  redis.send(SIGSTOP);
  EXPECT_EQ(append(*store, 2, {"b"}).error().code, Errc::store_unavailable);
  const auto begin = Clock::now();
  EXPECT_TRUE(store->read(task_, {}, 1, 1).has_error());
  EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(100));
  EXPECT_TRUE(append(*store, 2, {"b"}).has_error());  // finds out once more
  redis.send(SIGCONT);
  append_until_taken(*store, 2, {"b"});
  EXPECT_EQ(text(*store), "ab");
}

TEST_F(RedisLogStoreTest, WithoutMemoryNothingIsWrittenAndAllCanBeRead) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a"}).has_value());
  ASSERT_TRUE(redis.tell({"CONFIG", "SET", "maxmemory", "1"}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(append(*store, 2, {"b", "c"}).error().code, Errc::disk_full);
    EXPECT_EQ(text(*store), "a");
  }
  ASSERT_TRUE(redis.tell({"CONFIG", "SET", "maxmemory", "0"}));
  EXPECT_TRUE(append(*store, 2, {"b", "c"}).has_value());
  EXPECT_EQ(text(*store), "abc");
}

TEST_F(RedisLogStoreTest, AReplicaIsNoPlaceForLogs) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(redis.tell({"REPLICAOF", "127.0.0.1", "1"}));
  const auto done = append(*store, 1, {"a"});
  ASSERT_TRUE(done.has_error());
  EXPECT_EQ(done.error().code, Errc::store_unavailable);
  EXPECT_NE(done.error().detail.find("replica"), std::string::npos);
  ASSERT_TRUE(redis.tell({"REPLICAOF", "NO", "ONE"}));
  append_until_taken(*store, 1, {"a"});
}

TEST_F(RedisLogStoreTest, WhatRedisHasLostIsSaidWhereTheLogGoesOn) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a", "b", "c"}).has_value());
  ASSERT_TRUE(redis.tell({"FLUSHALL"}));
  ASSERT_TRUE(append(*store, 4, {"d"}).has_value());
  const auto records = store->read(task_, {}, 10, 1000);
  ASSERT_TRUE(records.has_value());
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ(records->at(0).position(), (LogPosition{1, 3}));
  EXPECT_EQ(records->at(0).stream, LogStream::system);
  EXPECT_EQ(records->at(0).data,
            "Records missing here: 3 (1 to 3); the log store has lost them.\n");
  EXPECT_EQ(records->at(1).data, "d");
  EXPECT_EQ(store->tasks({}, 10).value(), std::vector{task_});
}

TEST_F(RedisLogStoreTest, AForgottenScriptIsLoadedAgain) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a"}).has_value());
  ASSERT_TRUE(redis.tell({"SCRIPT", "FLUSH"}));
  append_until_taken(*store, 2, {"b"});
  EXPECT_EQ(text(*store), "ab");
}

TEST_F(RedisLogStoreTest, AnEarlierAttemptThanTheLastChangesNothing) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  LogAppend later = make(1, {"later"});
  later.attempt = 2;
  ASSERT_TRUE(store->append({&later, 1}).has_value());
  const auto tails = append(*store, 1, {"stale"});
  ASSERT_TRUE(tails.has_value());
  EXPECT_EQ(tails->at(0).attempt, 2u);
  EXPECT_EQ(text(*store), "later");
}

TEST_F(RedisLogStoreTest, AnAppendIsAnsweredWithTheTailThatIsThere) {
  TestRedisServer redis;
  const auto store = RedisLogStore::make(redis.address());
  ASSERT_TRUE(append(*store, 1, {"a", "bc", "d"}).has_value());
  const std::vector<LogAppend> both = {make(1, {"a", "bc"}),
                                       make(4, std::vector<std::string>(1200, "x"))};
  const auto tails = store->append(both);
  ASSERT_TRUE(tails.has_value());
  ASSERT_EQ(tails->size(), 2u);
  EXPECT_EQ(tails->at(0).position(), (LogPosition{1, 3}));
  EXPECT_EQ(tails->at(0).tail.bytes, 4u);
  EXPECT_EQ(tails->at(1).position(), (LogPosition{1, 1203}));
  EXPECT_EQ(tails->at(1).tail.bytes, 1204u);
}

}  // namespace
}  // namespace tandem::logs
