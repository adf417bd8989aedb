// What is PostgreSQL's own: several servers, lost connections, and what is told of them.
#include "engine.h"
#include "postgres_fixture.h"
#include "store/postgres/failure.h"
#include "store/postgres/postgres_reader.h"

namespace tandem::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class PostgresStoreTest : public testing::Test {
 protected:
  std::unique_ptr<PostgresStore> open(std::uint8_t number = 1) {
    return PostgresStore::open(url_, test_server(number)).value();
  }
  Task task() {
    TaskSpec spec;
    spec.payload = "{}";
    spec.job_type = "echo";
    TaskId id;
    id.bytes[0] = 1;
    id.bytes[15] = ++last_id_;
    return make_task(id, ClientId(id), spec, kNow);
  }
  static Result<void> write(Store& store, const TaskBatch& batch) {
    if (auto begun = store.begin(); !begun) return begun;
    auto applied = store.apply(batch);
    if (!applied) {
      store.rollback();
      return applied.error();
    }
    for (const std::uint8_t held : *applied) EXPECT_EQ(held, 1);
    return store.commit();
  }
  static Result<void> insert(Store& store, const Task& task) {
    TaskBatch batch;
    batch.inserts = {&task};
    return write(store, batch);
  }
  void cut_all_connections() {
    server_.run("select pg_terminate_backend(pid) from pg_stat_activity where datname = '" +
                url_.substr(url_.rfind('/') + 1) + "'");
  }

  PostgresServer& server_ = PostgresServer::shared();
  std::string url_ = server_.fresh_database();
  std::uint8_t last_id_ = 0;
};

TEST_F(PostgresStoreTest, AServerLooksThroughItsOwnTasksAndReachesTheOthers) {
  const auto mine = open(1), others = open(2);
  Task waiting = task(), busy = task(), later = task();
  assign(busy, WorkerId(busy.task_id), "w", kNow);
  later.status = TaskStatus::scheduled;
  later.run_at = kNow;
  waiting.spec.queue_timeout_ms = 5;
  for (const Task* one : {&waiting, &busy, &later}) ASSERT_TRUE(insert(*mine, *one));
  EXPECT_THAT(others->load_leased().value(), IsEmpty());
  EXPECT_THAT(others->pending_lanes().value(), IsEmpty());
  EXPECT_THAT(others->load_pending(lane_of(waiting), nullptr, 9).value(), IsEmpty());
  EXPECT_THAT(others->load_due(kNow + 9, 9).value(), IsEmpty());
  EXPECT_THAT(others->load_queue_expired(kNow + 9, 9).value(), IsEmpty());
  EXPECT_FALSE(others->next_due().value() || others->next_queue_expiry().value());
  EXPECT_THAT(mine->load_leased().value(), SizeIs(1));
  EXPECT_EQ(mine->next_due().value(), kNow);
  EXPECT_THAT(others->load(std::vector{waiting.task_id, busy.task_id}).value(), SizeIs(2));
  Task ended = waiting;
  cancel(ended, kNow);
  TaskBatch batch;
  batch.changes = {{&ended, 0, {TaskStatus::pending}}};
  ASSERT_TRUE(write(*mine, batch));
  retry(ended, kNow + 1);
  batch.changes = {{&ended, 0, {TaskStatus::cancelled}}};
  ASSERT_TRUE(write(*others, batch));
  EXPECT_THAT(others->pending_lanes().value(), ElementsAre(lane_of(ended))) << "it asked for it";
  EXPECT_THAT(mine->pending_lanes().value(), IsEmpty());
  const auto counts = PostgresReader::open(url_, ServerId(), 1).value()->stats({}, kNow).value();
  EXPECT_EQ(counts.counts.size(), 3u) << "what one counted and another took away is not there";
}

TEST_F(PostgresStoreTest, ACutConnectionIsMadeAgainAtOnce) {
  const auto store = open();
  const auto reader = PostgresReader::open(url_, ServerId(), 1).value();
  const Task first = task(), second = task();
  ASSERT_TRUE(insert(*store, first));
  cut_all_connections();
  EXPECT_TRUE(reader->find(first.task_id).value());
  ASSERT_TRUE(insert(*store, second));
  EXPECT_TRUE(reader->find(second.task_id).value());
}

TEST_F(PostgresStoreTest, ACutAmidATransactionLosesItAndNoMore) {
  const auto store = open();
  const Task one = task();
  TaskBatch batch;
  batch.inserts = {&one};
  ASSERT_TRUE(store->begin());
  ASSERT_TRUE(store->apply(batch));
  cut_all_connections();
  EXPECT_EQ(store->commit().error().code, Errc::store_unavailable);
  EXPECT_THAT(store->load(std::vector{one.task_id}).value(), IsEmpty());
  EXPECT_TRUE(insert(*store, one));
}

TEST_F(PostgresStoreTest, MuchAtOnceGoesThrough) {
  constexpr std::size_t kTasks = 40, kBytes = 1 << 20;
  const auto store = open();
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < kTasks; ++i) {
    tasks.push_back(task());
    tasks.back().client_id = tasks.front().client_id;
    tasks.back().spec.payload.assign(kBytes, static_cast<char>('a' + i % 26));
  }
  TaskBatch batch;
  for (const Task& one : tasks) batch.inserts.push_back(&one);
  ASSERT_TRUE(write(*store, batch));
  const auto stored = store->load_pending(lane_of(tasks.front()), nullptr, 100).value();
  ASSERT_EQ(stored.size(), kTasks);
  for (std::size_t i = 0; i < kTasks; ++i) EXPECT_EQ(stored[i].spec.payload, tasks[i].spec.payload);
}

// A transaction whose connection was lost may still be at work: nothing is read or written before
// it has ended.
TEST_F(PostgresStoreTest, OneTransactionOfAServerAtATime) {
  const auto lost = open(), fresh = open();
  const Task one = task(), other = task();
  TaskBatch batch;
  batch.inserts = {&one};
  ASSERT_TRUE(lost->begin());
  ASSERT_TRUE(lost->apply(batch));
  EXPECT_EQ(insert(*fresh, other).error().code, Errc::store_unavailable);
  EXPECT_EQ(PostgresStore::open(url_, test_server()).error().code, Errc::store_unavailable);
  EXPECT_TRUE(insert(*open(2), other)) << "of another server";
  ASSERT_TRUE(lost->commit());
  EXPECT_TRUE(insert(*fresh, task()));
}

TEST_F(PostgresStoreTest, AnEmptyTransactionSaysWhetherChangesAreTaken) {
  const auto store = open();
  ASSERT_TRUE(store->begin());
  EXPECT_TRUE(store->commit());
  server_.run("alter database " + url_.substr(url_.rfind('/') + 1) +
              " set default_transaction_read_only = on");
  cut_all_connections();
  ASSERT_TRUE(store->begin());
  const auto refused = store->commit();
  EXPECT_EQ(refused.error().code, Errc::store_unavailable);
  EXPECT_THAT(refused.error().detail, HasSubstr("takes no changes"));
}

TEST_F(PostgresStoreTest, WhyItCantBeOpenedIsToldWithoutThePassword) {
  const auto told = [](const std::string& url) {
    const auto opened = PostgresStore::open(url, test_server());
    EXPECT_FALSE(opened);
    const std::string detail = opened ? "" : opened.error().detail;
    EXPECT_THAT(detail, Not(HasSubstr("secret")));
    return detail;
  };
  const std::string address = url_.substr(url_.find('@'));
  EXPECT_THAT(told("postgresql://tandem:wrong-secret" + address), HasSubstr("the password"));
  EXPECT_THAT(told(url_ + "_absent"), HasSubstr("no database of that name"));
  EXPECT_THAT(told("postgresql://tandem:secret@127.0.0.1:1/x"), HasSubstr("can't be reached"));
  EXPECT_THAT(told("postgresql://tandem:secret@127.0.0.1:1/x"), HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(told("mysql://secret@x/y"), HasSubstr("It must be a URL"));
  server_.run("create role crowded login password 'secret' connection limit 0");
  EXPECT_THAT(told("postgresql://crowded:secret" + address), HasSubstr("no more connections"));
  server_.run("create role lowly login password 'secret'");
  EXPECT_THAT(told("postgresql://lowly:secret" + address), HasSubstr("lacks a right"));
}

TEST(PostgresFailures, HaveTheirCodes) {
  using postgres::error_of;
  EXPECT_EQ(error_of("53100").code, Errc::disk_full);
  EXPECT_EQ(error_of("23505").code, Errc::conflict);
  EXPECT_EQ(error_of("23514").code, Errc::internal);
  EXPECT_EQ(error_of("22021").code, Errc::internal);
  EXPECT_EQ(error_of("TD001").code, Errc::illegal_transition);
  for (const char* state : {"", "57014", "57P01", "55P03", "40P01", "53300", "25006", "XX000"})
    EXPECT_EQ(error_of(state).code, Errc::store_unavailable) << state;
}

TEST(PostgresFailures, OfConnectionsAreToldApart) {
  const auto said = [](const char* message) {
    return postgres::error_of_connection(message).detail;
  };
  EXPECT_EQ(said("connection to server failed: FATAL:  28P01: password authentication failed"),
            "The database refuses the user or the password");
  EXPECT_THAT(said("connection to server failed: FATAL:  28000: no pg_hba.conf entry"),
              testing::HasSubstr("wants another user or host, or TLS"));
  EXPECT_THAT(said("SSL error: certificate verify failed"), testing::HasSubstr("not trusted"));
  EXPECT_THAT(said("server does not support SSL, but SSL was required"),
              testing::HasSubstr("does not speak TLS"));
  EXPECT_EQ(said("could not connect: Connection refused"), "The database can't be reached");
}

}  // namespace
}  // namespace tandem::store
