#include "logs/embedded/sqlite_log_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"
#include "logs/embedded/connection.h"

namespace tandem::logs {
namespace {

namespace fs = std::filesystem;

// While it lives, counts how often SQLite syncs a file that is written ahead.
class SyncCounter {
 public:
  SyncCounter() {
    real_ = sqlite3_vfs_find(nullptr);
    counting_ = *real_;
    counting_.zName = "counting";
    counting_.xOpen = open;
    sqlite3_vfs_register(&counting_, 1);
  }
  ~SyncCounter() {
    sqlite3_vfs_unregister(&counting_);
    sqlite3_vfs_register(real_, 1);
  }
  static int count() { return count_; }

 private:
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* taken) {
    const int code = real_->xOpen(real_, name, file, flags, taken);
    if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
    sync_ = file->pMethods->xSync;
    methods_ = *file->pMethods;
    methods_.xSync = sync;
    file->pMethods = &methods_;
    return code;
  }
  static int sync(sqlite3_file* file, int flags) {
    ++count_;
    return sync_(file, flags);
  }

  static inline sqlite3_vfs* real_ = nullptr;
  static inline sqlite3_io_methods methods_ = {};
  static inline int (*sync_)(sqlite3_file*, int) = nullptr;
  static inline int count_ = 0;
  sqlite3_vfs counting_ = {};
};

class SqliteLogStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/tandem_logs_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "logs.db";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static LogAppend one(std::uint64_t seq, std::string data) {
    LogAppend append{.task_id = task(), .attempt = 1};
    append.records.push_back({.attempt = 1, .seq = seq, .data = std::move(data)});
    return append;
  }
  static TaskId task() {
    TaskId id;
    id.bytes.fill(7);
    return id;
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(SqliteLogStoreTest, KeepsLogsAcrossARestart) {
  {
    auto store = SqliteLogStore::open(path_);
    ASSERT_TRUE(store.has_value());
    const LogAppend append = one(1, "kept");
    ASSERT_TRUE((*store)->append({&append, 1}).has_value());
  }
  auto store = SqliteLogStore::open(path_);
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ((*store)->tail(task(), 1)->last_seq, 1u);
  EXPECT_EQ((*store)->read(task(), {}, 10, 1000)->front().data, "kept");
}

TEST_F(SqliteLogStoreTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  const auto store = SqliteLogStore::open(path_);
  ASSERT_TRUE(store.has_error());
  EXPECT_EQ(store.error().code, Errc::store_unavailable);
}

TEST_F(SqliteLogStoreTest, RefusesANewerVersionAndAMissingFolder) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=2", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_EQ(SqliteLogStore::open(path_).error().code, Errc::store_unavailable);
  EXPECT_EQ(SqliteLogStore::open(folder_ / "none" / "logs.db").error().code,
            Errc::store_unavailable);
}

TEST_F(SqliteLogStoreTest, ErrorsNameNoPathOfTheServer) {
  const auto store = SqliteLogStore::open(folder_ / "none" / "logs.db");
  EXPECT_EQ(store.error().detail.find(folder_.string()), std::string::npos);
}

// A child appends, and after each answer writes the number to a pipe; it is killed in the middle.
// What was answered must be there, without a gap and with the right bytes.
TEST_F(SqliteLogStoreTest, WhatWasAnsweredSurvivesAKill) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  UniqueFd out(ends[0]), in(ends[1]);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = SqliteLogStore::open(path_);
    if (!store) _exit(1);
    for (std::uint64_t seq = 1;; ++seq) {
      const LogAppend append = one(seq, std::to_string(seq) + std::string(5000, '.'));
      if (!(*store)->append({&append, 1})) _exit(2);
      if (write(in.get(), &seq, sizeof seq) != sizeof seq) _exit(3);
    }
  }
  in.reset();
  std::uint64_t answered = 0;
  while (answered < 300) ASSERT_EQ(read(out.get(), &answered, sizeof answered), 8);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  for (std::uint64_t seq = 0; read(out.get(), &seq, sizeof seq) == 8;) answered = seq;

  auto store = SqliteLogStore::open(path_);
  ASSERT_TRUE(store.has_value());
  const auto records = (*store)->read(task(), {}, 1 << 30, 1u << 31);
  ASSERT_TRUE(records.has_value());
  ASSERT_GE(records->size(), answered);
  EXPECT_LE(records->size(), answered + 1);
  for (std::size_t i = 0; i < records->size(); ++i) {
    ASSERT_EQ((*records)[i].seq, i + 1);
    ASSERT_EQ((*records)[i].data, std::to_string(i + 1) + std::string(5000, '.'));
  }
}

// The file may not grow any more, much as on a full disk; when it may again, the same append works.
TEST_F(SqliteLogStoreTest, AFailedWriteChangesNothingAndPassesByItself) {
  std::signal(SIGXFSZ, SIG_IGN);
  auto store = SqliteLogStore::open(path_);
  ASSERT_TRUE(store.has_value());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 512 * 1024, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::uint64_t seq = 1;
  Result<std::vector<TaskTail>> result;
  while (seq < 100) {
    const LogAppend append = one(seq, std::string(60'000, 'x'));
    result = (*store)->append({&append, 1});
    if (result.has_error()) break;
    ++seq;
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ((*store)->tail(task(), 1)->last_seq, seq - 1);
  const LogAppend append = one(seq, std::string(60'000, 'x'));
  EXPECT_TRUE((*store)->append({&append, 1}).has_value());
  EXPECT_EQ((*store)->tail(task(), 1)->last_seq, seq);
}

TEST_F(SqliteLogStoreTest, AFullDatabaseIsDiskFull) {
  auto connection = Connection::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  ASSERT_TRUE(connection.has_value());
  ASSERT_TRUE(connection->execute("CREATE TABLE t(x); PRAGMA max_page_count=4;").has_value());
  const auto full = connection->execute("INSERT INTO t VALUES(zeroblob(1000000))");
  ASSERT_TRUE(full.has_error());
  EXPECT_EQ(full.error().code, Errc::disk_full);
  EXPECT_EQ(connection->execute("nonsense").error().code, Errc::store_unavailable);
}

// What is acknowledged is on the disk, as in the tasks' database.
TEST_F(SqliteLogStoreTest, EveryAppendIsSynced) {
  const SyncCounter synced;
  auto store = SqliteLogStore::open(path_).value();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    const int before = SyncCounter::count();
    const std::vector<LogAppend> appends = {one(seq, "line")};
    ASSERT_TRUE(store->append(appends).has_value());
    EXPECT_GT(SyncCounter::count(), before) << seq;
  }
  store.reset();
}

// Each query must walk an index: a scan would cost more with every log that is kept.
TEST_F(SqliteLogStoreTest, ReadsByTheIndex) {
  ASSERT_TRUE(SqliteLogStore::open(path_).has_value());
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  sqlite3_stmt* plan = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(raw,
                               "EXPLAIN QUERY PLAN SELECT data FROM block WHERE task = ?1 AND "
                               "(attempt, last_seq) > (?2, ?3) ORDER BY attempt, last_seq",
                               -1, &plan, nullptr),
            SQLITE_OK);
  std::string text;
  while (sqlite3_step(plan) == SQLITE_ROW)
    text += reinterpret_cast<const char*>(sqlite3_column_text(plan, 3));
  sqlite3_finalize(plan);
  sqlite3_close(raw);
  EXPECT_EQ(text, "SEARCH block USING INDEX block_place (task=? AND (attempt,last_seq)>(?,?))");
}

}  // namespace
}  // namespace tandem::logs
