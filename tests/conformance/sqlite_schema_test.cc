// What is SQLite's own: the file, the schema's version, its rules in SQL, and the plans.
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "engine.h"
#include "sqlite_queries.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/sqlite_reader.h"
#include "store/sqlite/sqlite_store.h"

namespace tandem::store {
namespace {

namespace queries = tandem::sql::sqlite;
using testing::HasSubstr;
using testing::Not;

class SqliteSchemaTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteStore> open() { return SqliteStore::open(path_).value(); }
  std::unique_ptr<Connection> connect() {
    return Connection::open(path_, Connection::Role::writer).value();
  }
  std::string plan_of(std::string_view query) {
    const auto connection = connect();
    const std::string text = "explain query plan " + std::string(query);
    Query rows(*connection, text);
    std::string plan;
    while (rows.step().value()) plan.append(rows.text_at(3)).append("\n");
    return plan;
  }

  TestDirectory directory_;
  std::string path_ = directory_.file("tandem.db");
};

TEST_F(SqliteSchemaTest, TheFilesAreTheOwnersOnly) {
  const auto store = open();
  ASSERT_TRUE(store->begin());
  ASSERT_TRUE(store->accounts().set_meta("k", "v"));
  ASSERT_TRUE(store->commit());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found {};
    ASSERT_EQ(::stat((path_ + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(SqliteSchemaTest, ACommitIsSyncedAndTheLogIsWrittenAhead) {
  open();
  const auto connection = connect();
  Query synchronous(*connection, "pragma synchronous"), journal(*connection, "pragma journal_mode");
  ASSERT_TRUE(synchronous.step().value() && journal.step().value());
  EXPECT_EQ(synchronous.integer_at(0), 2) << "full";
  EXPECT_EQ(journal.text_at(0), "wal");
}

TEST_F(SqliteSchemaTest, AStoreIsOpenedAgain) {
  {
    const auto store = open();
    ASSERT_TRUE(store->begin());
    ASSERT_TRUE(store->accounts().set_meta("k", "v"));
    ASSERT_TRUE(store->commit());
  }
  EXPECT_EQ(open()->accounts().get_meta("k").value(), "v");
}

TEST_F(SqliteSchemaTest, ANewerSchemaIsRefusedAndLeftAlone) {
  open();
  ASSERT_TRUE(connect()->run("insert into schema_migrations (number, name) values (999, 'new')"));
  const auto refused = SqliteStore::open(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_unavailable);
  EXPECT_THAT(refused.error().detail, HasSubstr("schema 999"));
  EXPECT_THAT(refused.error().detail, HasSubstr("newer"));
}

TEST_F(SqliteSchemaTest, WhatIsNoDatabaseIsAnError) {
  EXPECT_EQ(SqliteStore::open(directory_.file("no/such/file")).error().code,
            Errc::store_unavailable);
  EXPECT_EQ(SqliteReader::open(directory_.file("absent"), 1).error().code, Errc::store_unavailable);
}

TEST_F(SqliteSchemaTest, AFullDiskIsToldApartAndTheStoreGoesOnAfterwards) {
  auto connection = Connection::open(path_, Connection::Role::writer).value();
  ASSERT_TRUE(connection->run("create table filling (x); pragma max_page_count = 10"));
  const auto full = connection->run("insert into filling values (zeroblob(1000000))");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::disk_full);
  EXPECT_TRUE(connection->run("insert into filling values (1)"));
}

TEST_F(SqliteSchemaTest, AFileHeldByAnotherIsUnavailableAndThenBack) {
  const auto store = open();
  const auto other = connect();
  ASSERT_TRUE(other->run("begin immediate"));
  EXPECT_EQ(store->begin().error().code, Errc::store_unavailable);
  store->rollback();
  ASSERT_TRUE(other->run("rollback"));
  ASSERT_TRUE(store->begin());
  EXPECT_TRUE(store->commit());
}

TEST_F(SqliteSchemaTest, TheTriggerRefusesWhatCoreRefuses) {
  open();
  const auto connection = connect();
  ASSERT_TRUE(connection->run("pragma ignore_check_constraints = 1"));
  for (const TaskStatus from : kAllStatuses)
    for (const TaskStatus to : kAllStatuses) {
      ASSERT_TRUE(connection->run(
          "delete from tasks; insert into tasks (task_id, client_id, lane_id, status, attempt,"
          " first_attempt, worker_losses, max_attempts, priority, cancel_requested, created_at,"
          " updated_at, worker_name, spec, payload) values (randomblob(16), randomblob(16), 1, '" +
          std::string(to_string(from)) + "', 0, 1, 0, 1, 0, 0, 0, 0, '', x'', '')"));
      const auto updated =
          connection->run("update tasks set status = '" + std::string(to_string(to)) + "'");
      EXPECT_EQ(updated.has_value(), from == to || may_follow(from, to))
          << to_string(from) << " to " << to_string(to);
      if (!updated) {
        EXPECT_EQ(updated.error().code, Errc::illegal_transition);
      }
    }
}

TEST_F(SqliteSchemaTest, TheRulesStandInTheSchemaToo) {
  open();
  const auto connection = connect();
  ASSERT_TRUE(connection->run(
      "insert into tasks (task_id, client_id, lane_id, status, attempt, first_attempt,"
      " worker_losses, max_attempts, priority, cancel_requested, created_at, updated_at,"
      " queued_at, worker_name, spec, payload) values (randomblob(16), randomblob(16), 1,"
      " 'pending', 0, 1, 0, 1, 0, 0, 0, 0, 0, '', x'', '')"));
  const auto refused = [&](const std::string& column, const std::string& value) {
    const auto updated = connection->run("update tasks set " + column + " = " + value);
    return !updated && updated.error().code == Errc::internal;
  };
  EXPECT_TRUE(connection->run("update tasks set priority = 100"));
  EXPECT_TRUE(refused("status", "'assigned'")) << "without a worker";
  EXPECT_TRUE(refused("status", "'failed'")) << "without finished_at";
  EXPECT_TRUE(refused("finished_at", "1")) << "without having finished";
  EXPECT_TRUE(refused("queued_at", "null"));
  EXPECT_TRUE(refused("priority", "101"));
  EXPECT_TRUE(refused("max_attempts", "0"));
  EXPECT_TRUE(refused("first_attempt", "0"));
  EXPECT_TRUE(refused("cancel_requested", "2"));
  EXPECT_TRUE(refused("task_id", "x'00'"));
}

TEST_F(SqliteSchemaTest, NoHotQueryReadsAllTasksOrSorts) {
  open();
  struct Expected {
    std::string_view query;
    const char* index;
  };
  const Expected all[] = {
      {queries::find_state, "task_id=?"},
      {queries::find_task, "task_id=?"},
      {queries::update_task, "PRIMARY KEY"},
      {queries::load_leased, "tasks_leased"},
      {queries::load_pending, "tasks_pending (lane_id=?"},
      {queries::load_pending_same_priority,
       "tasks_pending (lane_id=? AND priority=? AND task_id>?"},
      {queries::load_pending_lower_priority, "tasks_pending (lane_id=? AND priority<?"},
      {queries::load_due, "tasks_scheduled (run_at<?"},
      {queries::next_due, "tasks_scheduled"},
      {queries::load_queue_expired,
       "tasks_queue_expiry (queue_expires_at>? AND queue_expires_at<?"},
      {queries::next_queue_expiry, "tasks_queue_expiry"},
      {queries::find_unique, "tasks_unique (client_id=? AND unique_key=?"},
      {queries::load_finished_before, "tasks_finished (finished_at>? AND finished_at<?"},
      {queries::put_off_callback, "task_id=?"},
      {queries::settle_callback, "task_id=?"},
      {queries::list_callbacks, "callbacks_by_due"},
      {queries::expire_idempotency, "idempotency_by_age (created_at<?"},
      {queries::expire_refresh, "refresh_tokens_by_expiry (expires_at<?"},
      {queries::find_worker, "worker_id=?"},
      {queries::find_worker_of, "token_sha256=?"},
      {queries::list_workers, "worker_id>?"},
      {queries::replace_worker_token, "worker_id=?"},
      {queries::set_worker_draining, "worker_id=?"},
      {queries::revoke_worker, "worker_id=?"},
      {queries::see_worker, "worker_id=?"},
      {queries::list_all, "task_id<?"},
      {queries::list_of_client, "tasks_by_client (client_id=? AND task_id<?"},
      {queries::list_leased, "tasks_leased (task_id<?"},
      {queries::stats_lane_head, "tasks_pending (lane_id=? AND priority<?"},
      {queries::stats_created, "task_id>?"},
      {queries::stats_created_of_client, "tasks_by_client (client_id=? AND task_id>?"},
      {queries::stats_finished, "tasks_finished"},
      {queries::stats_finished_of_client, "tasks_finished"},
  };
  for (const Expected& expected : all) {
    const std::string plan = plan_of(expected.query);
    EXPECT_THAT(plan, HasSubstr(expected.index)) << expected.query;
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << expected.query;
    EXPECT_THAT(plan, Not(testing::ContainsRegex("SCAN t(asks)?\n"))) << expected.query;
  }
  for (const std::string_view query :
       {queries::pending_lanes, queries::stats_counts, queries::stats_pending_lanes})
    EXPECT_THAT(plan_of(query), Not(HasSubstr("tasks"))) << query;
}

TEST_F(SqliteSchemaTest, ReadersServeManyThreadsWhileTheWriterWrites) {
  const auto store = open();
  const auto reader = SqliteReader::open(path_, 2).value();
  TaskSpec spec;
  spec.payload = "{}";
  spec.job_type = "echo";
  std::vector<std::thread> threads;
  std::atomic<bool> over = false;
  std::atomic<int> failures = 0, torn = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!over) {
        const auto page = reader->list({.limit = 500});
        const auto stats = reader->stats({}, {1});
        if (!page || !stats) {
          ++failures;
          continue;
        }
        if (page->size() % 10 != 0) ++torn;
      }
    });
  for (std::uint8_t turn = 0; turn < 40; ++turn) {
    std::vector<Task> tasks;
    for (std::uint8_t i = 0; i < 10; ++i) {
      TaskId id;
      id.bytes[14] = turn;
      id.bytes[15] = i;
      tasks.push_back(make_task(id, ClientId(), spec, {1}));
      tasks.back().task_id.bytes[0] = 1;
    }
    TaskBatch batch;
    for (const Task& task : tasks) batch.inserts.push_back(&task);
    ASSERT_TRUE(store->begin() && store->apply(batch) && store->commit());
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(reader->list({.limit = 500}).value().size(), 400u);
}

}  // namespace
}  // namespace tandem::store
