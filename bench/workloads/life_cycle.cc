#include "reference/bare_submissions.h"
#include "reference/bare_table.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {

namespace {

constexpr int kPerSecond = 500;

}  // namespace

void measure_entry(Report& report) {
  constexpr int kSeconds = 10;
  const Latencies bare = bare_answer_times(parked_task(), kPerSecond * kSeconds, kPerSecond);
  Entries entries;
  const ServerProcess server = function_server(entries);
  entry_times(server, entries, kPerSecond, 1);
  const Latencies times = entry_times(server, entries, kPerSecond, kSeconds);
  add_entry_times(report, "submitted to function entered, 500/s", {.p50_ms = 0.5, .p99_ms = 2},
                  times, bare);
}

void measure_life_cycle(Report& report) {
  constexpr int kWarmUp = 10'000, kTasks = 200'000;
  const double reference = bare_cycles_per_second(kTasks);
  Entries entries;
  const ServerProcess server = function_server(entries);
  life_cycles(server, entries, kWarmUp);
  const Rate cycles = life_cycles(server, entries, kTasks);
  report.add({.name = "life cycle of a no-op function",
              .value = cycles.per_second,
              .unit = "tasks/s",
              .target = 50'000,
              .reference_name = "bare SQLite cycle",
              .reference = reference,
              .server_cpu_s = cycles.server_cpu_s_per_1000});
}

}  // namespace tandem::bench
