#include <optional>

#include "postgres_process.h"
#include "reference/bare_postgres.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kInsertBatch = 500, kCycleBatch = 200, kBareTasks = 100'000;

struct Bare {
  double inserts = 0, cycles = 0;
};

Bare measure_bare(PostgresProcess& postgres) {
  BarePostgres bare(postgres.fresh_database());
  bare.make_table();
  bare.inserts_per_second(kBareTasks / 10, kInsertBatch);
  Bare rates;
  rates.inserts = bare.inserts_per_second(kBareTasks, kInsertBatch);
  bare.run("truncate bare_tasks");
  rates.cycles = bare.cycles_per_second(kBareTasks, kCycleBatch);
  return rates;
}

void add_usage(Report& report, const std::string& of, const PostgresUsage& before,
               const PostgresUsage& after, double tasks) {
  report.add({.name = of + ", PostgreSQL's CPU",
              .value = (after.cpu_seconds - before.cpu_seconds) / tasks * 1000,
              .unit = "s/1000",
              .better = Better::lower});
  report.add({.name = of + ", write-ahead log",
              .value = (after.wal_bytes - before.wal_bytes) / tasks,
              .unit = "bytes",
              .better = Better::lower});
}

void measure_submissions(Report& report, PostgresProcess& postgres, const Bare& bare) {
  constexpr std::uint64_t kWarmUp = 5'000, kRequests = 100'000;
  const ServerProcess server(ServerProcess::Flags{{"database-url", postgres.fresh_database()}});
  submit_rate(server, "/api/v1/tasks", parked_task(), kWarmUp);
  const PostgresUsage before = postgres.usage();
  const Rate single = submit_rate(server, "/api/v1/tasks", parked_task(), kRequests);
  report.add({.name = "postgres: submit, 64 connections",
              .value = single.per_second,
              .unit = "tasks/s",
              .target = 20'000,
              .reference_name = "bare libpq insert",
              .reference = bare.inserts,
              .server_cpu_s = single.server_cpu_s_per_1000});
  report.add({.name = "postgres: submit, 64 connections, p99",
              .value = single.p99_ms,
              .unit = "ms",
              .better = Better::lower,
              .target = 10});
  add_usage(report, "postgres: submit", before, postgres.usage(), kRequests);
}

double measure_cycles(Report& report, PostgresProcess& postgres, const Bare& bare) {
  constexpr int kWarmUp = 10'000, kTasks = 100'000;
  Entries entries;
  const ServerProcess server =
      function_server(entries, {{"database-url", postgres.fresh_database()}});
  life_cycles(server, entries, kWarmUp);
  const PostgresUsage before = postgres.usage();
  const Rate cycles = life_cycles(server, entries, kTasks);
  report.add({.name = "postgres: life cycle of a no-op function",
              .value = cycles.per_second,
              .unit = "tasks/s",
              .target = 20'000,
              .reference_name = "bare libpq cycle",
              .reference = bare.cycles,
              .server_cpu_s = cycles.server_cpu_s_per_1000});
  report.add({.name = "postgres: life cycle, of bare libpq",
              .value = cycles.per_second / bare.cycles * 100,
              .unit = "%",
              .target = 60});
  add_usage(report, "postgres: life cycle", before, postgres.usage(), kTasks);
  entry_times(server, entries, 500, 1);
  Latencies times = entry_times(server, entries, 500, 10);
  report.add({.name = "postgres: submitted to entered, 500/s, p50",
              .value = times.percentile_ms(50),
              .unit = "ms",
              .better = Better::lower,
              .target = 1});
  return cycles.per_second;
}

// What is submitted at the one runs at the other.
void measure_the_way_across(Report& report, PostgresProcess& postgres) {
  Entries entries;
  const std::string url = postgres.fresh_database();
  const ServerProcess asked(ServerProcess::Flags{{"database-url", url}, {"embedded-slots", "0"}});
  const ServerProcess runs = function_server(entries, {{"database-url", url}});
  entry_times(asked, entries, 500, 2);
  Latencies times = entry_times(asked, entries, 500, 10);
  const auto add = [&](const std::string& what, double percent, std::optional<double> target) {
    report.add({.name = "postgres: submitted at one server, entered at the other, 500/s, " + what,
                .value = times.percentile_ms(percent),
                .unit = "ms",
                .better = Better::lower,
                .target = target});
  };
  add("p50", 50, 3);
  add("p99", 99, std::nullopt);
  const Rate cycles = life_cycles(asked, entries, 50'000);
  report.add({.name = "postgres: life cycle, submitted at one server, run at the other",
              .value = cycles.per_second,
              .unit = "tasks/s",
              .target = 20'000});
}

// Both have workers.
void measure_two_servers(Report& report, PostgresProcess& postgres, double with_one) {
  Entries entries;
  const std::string url = postgres.fresh_database();
  const ServerProcess one = function_server(entries, {{"database-url", url}});
  const ServerProcess other = function_server(entries, {{"database-url", url}});
  life_cycles(one, entries, 10'000);
  const Rate cycles = life_cycles(one, entries, 100'000);
  report.add({.name = "postgres: life cycle, two servers",
              .value = cycles.per_second,
              .unit = "tasks/s",
              .target = 20'000,
              .reference_name = "one server",
              .reference = with_one});
}

}  // namespace

void measure_postgres(Report& report) {
  PostgresProcess postgres;
  const Bare bare = measure_bare(postgres);
  measure_submissions(report, postgres, bare);
  const double with_one = measure_cycles(report, postgres, bare);
  measure_the_way_across(report, postgres);
  measure_two_servers(report, postgres, with_one);
}

}  // namespace tandem::bench
