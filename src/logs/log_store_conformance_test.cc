#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "base/id.h"
#include "logs/embedded/sqlite_log_store.h"
#include "logs/memory/memory_log_store.h"
#include "logs/redis/redis_log_store.h"
#include "logs/redis/test_redis_server.h"

// What every engine must do, run against each.
namespace tandem::logs {
namespace {

struct EngineCase {
  const char* name;
  std::function<std::unique_ptr<LogStore>(const std::filesystem::path&)> make;
  std::size_t least_removals = 4;  // calls that a log of some size takes
};

// One Redis for all; each test finds it empty.
TestRedisServer& redis() {
  static TestRedisServer server({"--appendonly", "yes"}, "a secret");
  return server;
}

class LogStoreConformance : public testing::TestWithParam<EngineCase> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/tandem_logs_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    store_ = GetParam().make(folder_);
    ASSERT_NE(store_, nullptr);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  LogAppend make(TaskId task, std::uint32_t attempt, std::uint64_t first,
                 const std::vector<std::string>& data) {
    LogAppend append{.task_id = task, .attempt = attempt};
    for (std::size_t i = 0; i < data.size(); ++i)
      append.records.push_back({.attempt = attempt,
                                .seq = first + i,
                                .ts = {1'700'000'000'000 + static_cast<std::int64_t>(first + i)},
                                .stream = static_cast<LogStream>((first + i) % 3),
                                .data = data[i]});
    return append;
  }
  void append(const LogAppend& one) {
    const auto done = store_->append({&one, 1});
    ASSERT_TRUE(done.has_value()) << done.error().detail;
  }
  std::vector<LogRecord> read(TaskId task, LogPosition after = {}, int limit = 1000,
                              std::size_t max_bytes = 1 << 30) {
    auto records = store_->read(task, after, limit, max_bytes);
    EXPECT_TRUE(records.has_value());
    return records.has_value() ? *records : std::vector<LogRecord>{};
  }
  std::string text(TaskId task, LogPosition after = {}) {
    std::string all;
    for (const LogRecord& record : read(task, after)) all += record.data;
    return all;
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  TaskId task_ = ids_.make<TaskId>();
  TaskId other_ = ids_.make<TaskId>();
  std::filesystem::path folder_;
  std::unique_ptr<LogStore> store_;
};

TEST_P(LogStoreConformance, GivesBackWhatWasAppended) {
  using namespace std::string_literals;
  const LogAppend sent = make(task_, 2, 1, {"one\n", "", "\0\xFF\x80 bytes"s, "Grüße"});
  append(sent);
  const auto records = read(task_);
  ASSERT_EQ(records.size(), 4u);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].position(), sent.records[i].position());
    EXPECT_EQ(records[i].ts, sent.records[i].ts);
    EXPECT_EQ(records[i].stream, sent.records[i].stream);
    EXPECT_EQ(records[i].data, sent.records[i].data);
  }
}

TEST_P(LogStoreConformance, AnUnknownTaskHasAnEmptyLog) {
  EXPECT_TRUE(read(task_).empty());
  const auto tail = store_->tail(task_, 1);
  ASSERT_TRUE(tail.has_value());
  EXPECT_EQ(tail->last_seq, 0u);
  EXPECT_EQ(tail->records, 0u);
  EXPECT_EQ(tail->bytes, 0u);
}

TEST_P(LogStoreConformance, TailCountsOneAttempt) {
  append(make(task_, 1, 1, {"abc", "de"}));
  append(make(task_, 1, 3, {"f"}));
  append(make(task_, 2, 1, {"x"}));
  append(make(other_, 1, 1, {"other"}));
  const auto first = store_->tail(task_, 1), second = store_->tail(task_, 2);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->last_seq, 3u);
  EXPECT_EQ(first->records, 3u);
  EXPECT_EQ(first->bytes, 6u);
  EXPECT_EQ(second->last_seq, 1u);
  EXPECT_EQ(second->bytes, 1u);
  EXPECT_EQ(store_->tail(task_, 3)->last_seq, 0u);
}

TEST_P(LogStoreConformance, RepeatsAreSkipped) {
  append(make(task_, 1, 1, {"a", "b"}));
  append(make(task_, 1, 1, {"a", "b"}));
  append(make(task_, 1, 2, {"B", "c"}));
  EXPECT_EQ(text(task_), "abc");
  EXPECT_EQ(store_->tail(task_, 1)->bytes, 3u);
}

TEST_P(LogStoreConformance, OneCallTakesManyTasksAndAppendsOfOneTask) {
  std::vector<LogAppend> appends = {make(task_, 1, 1, {"a"}), make(other_, 1, 1, {"x"}),
                                    make(task_, 1, 2, {"b", "c"})};
  ASSERT_TRUE(store_->append(appends).has_value());
  EXPECT_EQ(text(task_), "abc");
  EXPECT_EQ(text(other_), "x");
}

TEST_P(LogStoreConformance, ReadsFromAnyPlaceAcrossAttempts) {
  append(make(task_, 1, 1, {"a", "b", "c"}));
  append(make(task_, 2, 1, {"d", "e"}));
  append(make(task_, 10, 1, {"f"}));
  EXPECT_EQ(text(task_), "abcdef");
  EXPECT_EQ(text(task_, {1, 1}), "bcdef");
  EXPECT_EQ(text(task_, {1, 3}), "def");
  EXPECT_EQ(text(task_, {1, UINT64_MAX}), "def");
  EXPECT_EQ(text(task_, {2, 0}), "def");
  EXPECT_EQ(text(task_, {2, 2}), "f");
  EXPECT_EQ(text(task_, {10, 1}), "");
}

TEST_P(LogStoreConformance, ReadKeepsItsBounds) {
  append(make(task_, 1, 1, {std::string(100, 'a'), std::string(100, 'b'), std::string(100, 'c')}));
  EXPECT_EQ(read(task_, {}, 2).size(), 2u);
  EXPECT_TRUE(read(task_, {}, 0).empty());
  EXPECT_EQ(read(task_, {}, 10, 150).size(), 2u);
  EXPECT_EQ(read(task_, {}, 10, 1).size(), 1u);
  EXPECT_EQ(read(task_, {}, 10, 0).size(), 1u);  // always goes on
  EXPECT_EQ(read(task_, {1, 2}, 10).size(), 1u);
}

TEST_P(LogStoreConformance, KeepsLargeAppendsInOrder) {
  std::vector<std::string> data;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 40; ++i) {
    data.push_back(std::string(static_cast<std::size_t>(1 + i * 1600), static_cast<char>(i)));
    bytes += data.back().size();
  }
  append(make(task_, 1, 1, data));
  const auto records = read(task_);
  ASSERT_EQ(records.size(), data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    EXPECT_EQ(records[i].seq, i + 1);
    EXPECT_EQ(records[i].data, data[i]);
  }
  EXPECT_EQ(store_->tail(task_, 1)->bytes, bytes);
  append(make(task_, 1, 30, {"repeat", "repeat"}));
  EXPECT_EQ(read(task_).size(), data.size());
}

TEST_P(LogStoreConformance, RemoveTakesAllAttemptsAndNothingElse) {
  append(make(task_, 1, 1, {"a"}));
  append(make(task_, 2, 1, {"b"}));
  append(make(other_, 1, 1, {"x"}));
  const std::vector<TaskId> tasks = {task_, ids_.make<TaskId>()};
  const auto gone = store_->remove(tasks, 1 << 20);
  ASSERT_TRUE(gone.has_value());
  EXPECT_EQ(*gone, 2u);
  EXPECT_TRUE(read(task_).empty());
  EXPECT_EQ(store_->tail(task_, 2)->last_seq, 0u);
  EXPECT_EQ(text(other_), "x");
  append(make(task_, 1, 1, {"again"}));
  EXPECT_EQ(text(task_), "again");
}

TEST_P(LogStoreConformance, RemoveGoesInSlices) {
  const std::vector<TaskId> tasks = {task_, other_};
  for (const TaskId& task : tasks)
    for (std::uint64_t seq = 1; seq <= 8; ++seq)
      append(make(task, 1, seq, {std::string(50'000, 'x')}));
  std::size_t done = 0, calls = 0;
  while (done < tasks.size()) {
    const auto gone = store_->remove(std::span(tasks).subspan(done), 120'000);
    ASSERT_TRUE(gone.has_value());
    done += *gone;
    ASSERT_LT(++calls, 50u);
  }
  EXPECT_GE(calls, GetParam().least_removals);
  EXPECT_TRUE(read(task_).empty());
  EXPECT_TRUE(read(other_).empty());
}

TEST_P(LogStoreConformance, TasksWithALogAreListedById) {
  append(make(other_, 1, 1, {"x"}));
  append(make(task_, 1, 1, {"a", "b"}));
  append(make(task_, 2, 1, {"c"}));
  const std::vector<TaskId> both = {std::min(task_, other_), std::max(task_, other_)};
  EXPECT_EQ(store_->tasks({}, 10).value(), both);
  EXPECT_EQ(store_->tasks({}, 1).value(), std::vector{both[0]});
  EXPECT_EQ(store_->tasks(both[0], 10).value(), std::vector{both[1]});
  EXPECT_TRUE(store_->tasks(both[1], 10).value().empty());
  ASSERT_TRUE(store_->remove(std::vector{task_}, 1 << 20).has_value());
  EXPECT_EQ(store_->tasks({}, 10).value(), std::vector{other_});
}

TEST_P(LogStoreConformance, ReadersSeeWholeAppendsWhileTheyAreMade) {
  constexpr std::uint64_t kAppends = 200;
  std::atomic<bool> failed = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      LogPosition at;
      while (at.seq < 2 * kAppends) {
        const auto records = store_->read(task_, at, 1000, 1 << 20);
        if (!records) return failed.store(true);
        for (const LogRecord& record : *records) {
          if (record.seq != at.seq + 1) return failed.store(true);
          at = record.position();
        }
        if (at.seq % 2 != 0) return failed.store(true);
      }
    });
  for (std::uint64_t i = 0; i < kAppends; ++i) append(make(task_, 1, 2 * i + 1, {"a", "b"}));
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(failed);
}

const EngineCase kEngines[] = {
    {"memory", [](const auto&) { return std::make_unique<MemoryLogStore>(); }},
    {"sqlite",
     [](const std::filesystem::path& folder) -> std::unique_ptr<LogStore> {
       auto store = SqliteLogStore::open(folder / "logs.db");
       return store.has_value() ? std::move(*store) : nullptr;
     }},
    {"redis",
     [](const auto&) -> std::unique_ptr<LogStore> {
       if (!redis().tell({"FLUSHALL"})) return nullptr;
       return RedisLogStore::make(redis().address());
     },
     1}};
TEST_P(LogStoreConformance, TheFirstMarkStaysAndIsNoTask) {
  EXPECT_EQ(store_->mark("one").value(), "one");
  EXPECT_EQ(store_->mark("two").value(), "one");
  EXPECT_TRUE(store_->tasks({}, 9).value().empty());
}

INSTANTIATE_TEST_SUITE_P(Engines, LogStoreConformance, testing::ValuesIn(kEngines),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace tandem::logs
