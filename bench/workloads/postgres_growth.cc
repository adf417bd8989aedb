#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "http_client.h"
#include "postgres_process.h"
#include "reference/bare_postgres.h"
#include "usage.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

// What grows in a PostgreSQL that is in use for long, and what that costs.
namespace tandem::bench {
namespace {

constexpr int kWarmUp = 20'000, kTasks = 100'000;
constexpr int kPending = 1'000'000, kBatch = 1000;
constexpr int kTasksPerSecond = 5'000, kTasksAtOnce = 50;

// How long it is looked at: BENCH_MINUTES, for those who have not as much time.
double seconds_of(double minutes) {
  const char* given = std::getenv("BENCH_MINUTES");
  return 60 * (given == nullptr ? minutes : std::atof(given));
}

// Ten million copies of a finished task, with ids that grow. Indexes are made as they come.
void add_finished(BarePostgres& sql) {
  sql.run(R"(
    insert into tandem.finished_tasks
    select copy.*
    from (select f as row from tandem.finished_tasks f limit 1) one,
      generate_series(1, 10000000) n,
      jsonb_populate_record(one.row, jsonb_build_object('task_id',
        '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))) copy)");
  sql.run("vacuum analyze tandem.finished_tasks");
  sql.run("vacuum analyze tandem.tasks");
  sql.run("checkpoint");
}

struct Installation {
  PostgresProcess postgres;
  Entries entries;
  const std::string url = postgres.fresh_database();
  const ServerProcess server =  // whose token lasts longer than an hour
      function_server(entries, {{"database-url", url}, {"access-token-ttl-s", "7200"}});
};

double cycles_per_second(const ServerProcess& server, Entries& entries) {
  return life_cycles(server, entries, kTasks).per_second;
}

// Of the table of unfinished tasks, with its indexes.
double hot_mib(BarePostgres& sql) {
  const std::string bytes = sql.value("select pg_total_relation_size('tandem.tasks')");
  return std::atof(bytes.c_str()) / (1 << 20);
}

// No-op tasks at an even rate.
class SteadyFlow {
 public:
  SteadyFlow(const ServerProcess& server)
      : client_(server.port(), server.token()),
        batch_(batch_of(R"({"payload":{"job_type":"noop"}})", kTasksAtOnce)),
        next_us_(now_us()) {}

  void run(double seconds) {
    constexpr std::int64_t kPauseUs = 1'000'000LL * kTasksAtOnce / kTasksPerSecond;
    const auto batches = static_cast<std::int64_t>(seconds * 1e6) / kPauseUs;
    for (std::int64_t i = 0; i < batches; ++i, next_us_ += kPauseUs) {
      wait_until_us(next_us_);
      if (client_.post("/api/v1/tasks/batch", batch_).status != 201)
        throw std::runtime_error("a batch was refused");
    }
  }
  // How far it is behind: the server did not keep up.
  double late_s() const { return static_cast<double>(now_us() - next_us_) / 1e6; }

 private:
  HttpClient client_;
  const std::string batch_;
  std::int64_t next_us_;
};

}  // namespace

void measure_postgres_full(Report& report) {
  Installation at;
  life_cycles(at.server, at.entries, kWarmUp);
  const double empty = cycles_per_second(at.server, at.entries);
  submit_rate(at.server, "/api/v1/tasks/batch", batch_of(parked_task(), kBatch), kPending / kBatch,
              kBatch);
  BarePostgres sql(at.url);
  add_finished(sql);
  life_cycles(at.server, at.entries, kWarmUp);
  const double full = cycles_per_second(at.server, at.entries);
  report.add({.name = "postgres: cost of 1,000,000 pending and 10,000,000 finished: life cycle",
              .value = (1 - full / empty) * 100,
              .unit = "%",
              .better = Better::lower,
              .target = 15,
              .reference_name = "tasks/s without them",
              .reference = empty});
}

// It sees the rows of its beginning, so that no row that died since can be removed.
void measure_postgres_open_transaction(Report& report) {
  Installation at;
  life_cycles(at.server, at.entries, kWarmUp);
  const double before = cycles_per_second(at.server, at.entries);
  BarePostgres old(at.url), sql(at.url);
  old.run("begin isolation level repeatable read");
  old.value("select count(*) from tandem.servers");
  const double length_s = seconds_of(10);
  double rate = 0, slowest = before;
  for (const std::int64_t began = now_us(); seconds_since(began) < length_s;) {
    rate = cycles_per_second(at.server, at.entries);
    slowest = std::min(slowest, rate);
    report.note(fmt::format("{:.0f} s: {:.0f} tasks/s, hot table {:.0f} MiB", seconds_since(began),
                            rate, hot_mib(sql)));
  }
  report.add({.name = fmt::format("postgres: life cycle, slowest of {:.0f} minutes with an open "
                                  "transaction",
                                  length_s / 60),
              .value = slowest,
              .unit = "tasks/s",
              .target = before / 2,
              .reference_name = "without one",
              .reference = before});
  old.run("rollback");
}

void measure_postgres_hour(Report& report) {
  Installation at;
  BarePostgres sql(at.url);
  SteadyFlow flow(at.server);
  const double length_s = seconds_of(60);
  const int parts = 12;
  flow.run(length_s / parts);
  const double first = hot_mib(sql);
  double largest = first;
  for (int part = 1; part < parts; ++part) {
    flow.run(length_s / parts);
    largest = std::max(largest, hot_mib(sql));
    report.note(
        fmt::format("{:.0f} s: hot table {:.1f} MiB", length_s * (part + 1) / parts, hot_mib(sql)));
  }
  report.add({.name = fmt::format("postgres: {:.0f} minutes at 5,000/s: hot table and indexes, "
                                  "largest",
                                  length_s / 60),
              .value = largest,
              .unit = "MiB",
              .better = Better::lower,
              .target = first * 1.5,
              .reference_name = "after the first twelfth",
              .reference = first});
  report.add({.name = "postgres: how far the flow was behind at the end",
              .value = flow.late_s(),
              .unit = "s",
              .better = Better::lower,
              .target = 1});
}

}  // namespace tandem::bench
