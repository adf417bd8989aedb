// What is PostgreSQL's own: the schema's version, its rules in SQL, and the plans.
#include <cstdlib>
#include <iterator>

#include "engine.h"
#include "postgres_fixture.h"
#include "postgres_queries.h"
#include "sqlite_queries.h"
#include "store/postgres/connection.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::postgres;
using testing::HasSubstr;
using testing::Not;

constexpr int kPatienceMs = 60'000;

class PostgresSchemaTest : public testing::Test {
 protected:
  std::unique_ptr<postgres::Connection> connect() {
    const auto address = postgres::Address::parse(url_).value();
    return postgres::Connection::open(address, kPatienceMs).value();
  }
  Result<void> run(const std::string& text) { return connect()->run_script(text, kPatienceMs); }

  PostgresServer& server_ = PostgresServer::shared();
  const std::string url_ = server_.fresh_database();
};

TEST_F(PostgresSchemaTest, MigrationsHaveTheNumbersAndNamesOfSqlites) {
  ASSERT_EQ(std::size(sql::migrations), std::size(tandem::sql::sqlite::migrations));
  for (std::size_t i = 0; i < std::size(sql::migrations); ++i) {
    EXPECT_EQ(sql::migrations[i].number, tandem::sql::sqlite::migrations[i].number);
    EXPECT_EQ(sql::migrations[i].name, tandem::sql::sqlite::migrations[i].name);
  }
}

TEST_F(PostgresSchemaTest, AStoreIsOpenedAgain) {
  {
    const auto store = PostgresStore::open(url_, test_server()).value();
    ASSERT_TRUE(store->begin());
    ASSERT_TRUE(store->accounts().set_meta("k", "v"));
    ASSERT_TRUE(store->commit());
  }
  const auto store = PostgresStore::open(url_, test_server()).value();
  EXPECT_EQ(store->accounts().get_meta("k").value(), "v");
}

TEST_F(PostgresSchemaTest, ANewerSchemaIsRefusedAndLeftAlone) {
  ASSERT_TRUE(run("insert into tandem.schema_migrations (number, name) values (999, 'new')"));
  const auto refused = PostgresStore::open(url_, test_server());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_unavailable);
  EXPECT_THAT(refused.error().detail, HasSubstr("schema 999"));
  EXPECT_THAT(refused.error().detail, HasSubstr("newer"));
}

TEST_F(PostgresSchemaTest, TheOwnerOfADatabaseNeedsNoOtherRight) {
  server_.run("create role plain login password 'plain-secret'");
  std::string url = server_.empty_database("owner plain");
  url.replace(url.find("//"), url.find('@') - url.find("//"), "//plain:plain-secret");
  EXPECT_TRUE(PostgresStore::open(url, test_server()));
  EXPECT_TRUE(PostgresStore::open(url, test_server())) << "again";
}

TEST_F(PostgresSchemaTest, TheTriggerRefusesWhatCoreRefuses) {
  const auto connection = connect();
  ASSERT_TRUE(connection->run_script(
      "alter table tandem.tasks drop constraint tasks_times, drop constraint tasks_status",
      kPatienceMs));
  for (const TaskStatus from : kAllStatuses)
    for (const TaskStatus to : kAllStatuses) {
      if (is_terminal(from) || is_terminal(to)) continue;  // of the other table
      const auto updated = connection->run_script(
          "delete from tandem.tasks; insert into tandem.tasks (task_id, owner, client_id, lane_id,"
          " created_at, updated_at, attempt, first_attempt, worker_losses, max_attempts, priority,"
          " cancel_requested, status, worker_name, spec, payload) values (gen_random_uuid(),"
          " gen_random_uuid(), gen_random_uuid(), 1, 0, 0, 0, 1, 0, 1, 0, false, '" +
              std::string(to_string(from)) + "', '', '', ''); update tandem.tasks set status = '" +
              std::string(to_string(to)) + "'",
          kPatienceMs);
      EXPECT_EQ(updated.has_value(), from == to || may_follow(from, to))
          << to_string(from) << " to " << to_string(to);
      if (!updated) {
        EXPECT_EQ(updated.error().code, Errc::illegal_transition);
      }
    }
}

TEST_F(PostgresSchemaTest, AnEndStandsWithTheStatusBefore) {
  const auto connection = connect();
  for (const TaskStatus from : kAllStatuses)
    for (const TaskStatus to : kAllStatuses) {
      if (is_terminal(from)) continue;
      const auto inserted = connection->run_script(
          "insert into tandem.finished_tasks (task_id, owner, client_id, lane_id, created_at,"
          " updated_at, finished_at, attempt, first_attempt, worker_losses, max_attempts, priority,"
          " cancel_requested, worker_name, spec, payload, ended_from, status) values"
          " (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 0, 0, 0, 0, 1, 0, 1, 0,"
          " false, '', '', '', '" +
              std::string(to_string(from)) + "', '" + std::string(to_string(to)) + "')",
          kPatienceMs);
      EXPECT_EQ(inserted.has_value(), is_terminal(to) && may_follow(from, to))
          << to_string(from) << " to " << to_string(to);
    }
}

TEST_F(PostgresSchemaTest, TheRulesStandInTheSchemaToo) {
  const auto connection = connect();
  ASSERT_TRUE(connection->run_script(
      "insert into tandem.tasks (task_id, owner, client_id, lane_id, created_at, updated_at,"
      " queued_at, attempt, first_attempt, worker_losses, max_attempts, priority, cancel_requested,"
      " status, worker_name, spec, payload) values (gen_random_uuid(), gen_random_uuid(),"
      " gen_random_uuid(), 1, 0, 0, 0, 0, 1, 0, 1, 0, false, 'pending', '', '', '')",
      kPatienceMs));
  const auto refused = [&](const std::string& column, const std::string& value) {
    const auto updated =
        connection->run_script("update tandem.tasks set " + column + " = " + value, kPatienceMs);
    return !updated && updated.error().code == Errc::internal;
  };
  EXPECT_TRUE(connection->run_script("update tandem.tasks set priority = 100", kPatienceMs));
  EXPECT_TRUE(refused("status", "'assigned'")) << "without a worker";
  EXPECT_TRUE(refused("status", "'failed'")) << "in the table of what is not finished";
  EXPECT_TRUE(refused("queued_at", "null"));
  EXPECT_TRUE(refused("priority", "101"));
  EXPECT_TRUE(refused("max_attempts", "0"));
  EXPECT_TRUE(refused("first_attempt", "0"));
  EXPECT_TRUE(refused("cancel_requested", "null"));
}

// Plans are kept: those that are made while the tables are empty must be good later as well.
class PostgresPlansTest : public PostgresSchemaTest,
                          public testing::WithParamInterface<std::string> {
 protected:
  PostgresPlansTest() {
    if (GetParam() != "empty") run(kManyTasks).value();
    if (GetParam() == "emptied") run(kDeadRows).value();
    EXPECT_TRUE(connection_->run_script(
        "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;"
        " set enable_bitmapscan = off; set enable_sort = off;"
        " set plan_cache_mode = force_generic_plan",  // as handshake.cc has it
        kPatienceMs));
  }
  std::string plan_of(std::string_view query) {
    const std::string text(query);
    int parameters = 0;
    for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1))
      parameters = std::max(parameters, std::atoi(text.c_str() + at + 1));
    EXPECT_TRUE(connection_->run_script("deallocate all; prepare asked as " + text, kPatienceMs));
    std::string nulls;
    for (int i = 0; i < parameters; ++i) nulls += i == 0 ? "(null" : ", null";
    const std::string explain = "explain execute asked" + nulls + (nulls.empty() ? "" : ")");
    const auto answers = connection_->run({{explain}}, kPatienceMs).value();
    std::string plan;
    for (int i = 0; i < answers[0].size(); ++i) plan.append(answers[0].bytes(i, 0)).append("\n");
    return plan;
  }

  static constexpr char kManyTasks[] = R"(
    insert into tandem.lanes (client_id, queue, job_type, assignment, requires)
      select gen_random_uuid(), 'q', 't', 'any', '' from generate_series(1, 20);
    insert into tandem.tasks (task_id, owner, client_id, lane_id, created_at, updated_at, run_at,
      queued_at, queue_expires_at, attempt, first_attempt, worker_losses, max_attempts, priority,
      cancel_requested, worker_id, status, worker_name, unique_key, spec, payload)
    select gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid, l.client_id,
      l.lane_id, n, n, n, n, case when n % 4 > 1 and n % 7 = 0 then n end, 1, 1, 0, 1, n % 5, false,
      gen_random_uuid(), case when n % 50 = 0 then 'running' when n % 4 > 1 then 'pending'
      else 'scheduled' end, '', case when n % 5 = 0 then 'k' || n end, '', '{}'
    from generate_series(1, 20000) n join tandem.lanes l on l.lane_id = 1 + n % 20
    where not (n % 50 = 0 and n % 7 = 0);
    insert into tandem.finished_tasks (task_id, owner, client_id, lane_id, created_at, updated_at,
      finished_at, attempt, first_attempt, worker_losses, max_attempts, priority, cancel_requested,
      status, ended_from, worker_name, spec, payload)
    select gen_random_uuid(), gen_random_uuid(), l.client_id, l.lane_id, n, n, n, 1, 1, 0, 1, 0,
      false, 'completed', 'running', '', '', '{}'
    from generate_series(1, 20000) n join tandem.lanes l on l.lane_id = 1 + n % 20;
    analyze)";
  // Statistics that say: many pages and no row.
  static constexpr char kDeadRows[] =
      "delete from tandem.tasks; delete from tandem.finished_tasks; analyze";
  const std::unique_ptr<postgres::Connection> connection_ = connect();
};

INSTANTIATE_TEST_SUITE_P(Tables, PostgresPlansTest, testing::Values("empty", "full", "emptied"),
                         [](const auto& tables) { return tables.param; });

TEST_P(PostgresPlansTest, NoHotQueryReadsAllTasksOrSorts) {
  struct Expected {
    std::string_view query;
    const char* index;
  };
  const Expected all[] = {
      {sql::update_tasks, "tasks_by_id"},
      {sql::update_finished, "finished_by_id"},
      {sql::end_tasks, "tasks_by_id"},
      {sql::retry_tasks, "finished_by_id"},
      {sql::find_illegal, "tasks_by_id"},
      {sql::delete_tasks, "tasks_by_id"},
      {sql::delete_finished, "finished_by_id"},
      {sql::delete_inputs, "task_inputs_pkey"},
      {sql::find_lanes, "lanes_by_key"},
      {sql::find_task, "tasks_by_id"},
      {sql::load_leased, "tasks_leased"},
      {sql::pending_lanes, "tasks_pending"},
      {sql::load_pending, "tasks_pending"},
      {sql::load_due, "tasks_scheduled"},
      {sql::next_due, "tasks_scheduled"},
      {sql::load_queue_expired, "tasks_queue_expiry"},
      {sql::next_queue_expiry, "tasks_queue_expiry"},
      {sql::find_unique, "tasks_unique"},
      {sql::find_idempotency, "idempotency_pkey"},
      {sql::load_inputs, "task_inputs_pkey"},
      {sql::load_finished_before, "finished_by_time"},
      {sql::put_off_callbacks, "callbacks_pkey"},
      {sql::settle_callbacks, "callbacks_pkey"},
      {sql::delete_callbacks, "callbacks_pkey"},
      {sql::list_callbacks, "callbacks_by_due"},
      {sql::read_letters, "letters_by_receiver"},
      {sql::drop_letters, "letters_by_receiver"},
      {sql::drop_letters_to, "letters_by_receiver"},
      {sql::has_submissions, "submissions_waiting"},
      {sql::lock_silent_server, "servers_pkey"},
      {sql::find_worker, "workers_pkey"},
      {sql::find_worker_of, "workers_token_sha256_key"},
      {sql::list_workers, "workers_pkey"},
      {sql::see_workers, "workers_pkey"},
      {sql::list_clients, "clients_pkey"},
      {sql::find_refresh, "refresh_tokens_pkey"},
      {sql::stats_created, "tasks_by_id"},
      {sql::stats_created_of_client, "tasks_by_client"},
      {sql::stats_finished, "finished_by_time"},
  };
  for (const Expected& expected : all) {
    const std::string plan = plan_of(expected.query);
    EXPECT_THAT(plan, HasSubstr(expected.index)) << expected.query << "\n" << plan;
    EXPECT_THAT(plan, Not(HasSubstr("Seq Scan"))) << expected.query << "\n" << plan;
    if (expected.query != sql::list_callbacks) {  // sorts those of one moment
      EXPECT_THAT(plan, Not(HasSubstr("Sort"))) << expected.query << "\n" << plan;
    }
  }
}

// They sort a page, or the heads of lanes, and never all tasks.
TEST_P(PostgresPlansTest, ListsAndStatisticsFollowAnIndex) {
  const auto expect_along = [&](std::string_view query, std::vector<const char*> indexes) {
    const std::string plan = plan_of(query);
    for (const char* index : indexes) EXPECT_THAT(plan, HasSubstr(index)) << query << "\n" << plan;
    EXPECT_THAT(plan, Not(HasSubstr("Seq Scan"))) << query << "\n" << plan;
    EXPECT_THAT(plan, Not(HasSubstr("Bitmap"))) << query << "\n" << plan;
  };
  expect_along(sql::load_tasks, {"tasks_by_id", "finished_by_id"});
  expect_along(sql::list_all, {"Scan Backward using tasks_by_id", "Backward using finished_by_id",
                               "One-Time Filter: $11", "One-Time Filter: $12"});
  if (GetParam() != "emptied")  // then the order of all is as cheap; no turn waits for a list
    expect_along(sql::list_of_client,
                 {"Backward using tasks_by_client", "Backward using finished_by_client"});
  expect_along(sql::list_leased, {"tasks_leased"});
  expect_along(sql::stats_oldest_pending, {"tasks_pending"});
  expect_along(sql::adopt_pending, {"tasks_pending", "tasks_by_id"});
  expect_along(sql::adopt_scheduled, {"tasks_scheduled", "tasks_by_id"});
  expect_along(sql::adopt_leased, {"tasks_leased", "tasks_by_id"});
  expect_along(sql::draw_leased, {"tasks_leased", "tasks_by_id"});
  expect_along(sql::take_submissions, {"submissions_waiting", "submissions_pkey"});
  expect_along(sql::expire_idempotency, {"idempotency_by_age"});
  expect_along(sql::expire_refresh, {"refresh_tokens_by_expiry"});
  EXPECT_THAT(plan_of(sql::stats_counts), Not(HasSubstr("on tasks")));
}

}  // namespace
}  // namespace tandem::store
