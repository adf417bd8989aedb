#include "reference/bare_table.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {

void measure_entry(Report& report) {
  Entries entries;
  const ServerProcess server = function_server(entries);
  entry_times(server, entries, 500, 1);
  Latencies times = entry_times(server, entries, 500, 10);
  report.add({.name = "submitted to function entered, 500/s, p50",
              .value = times.percentile_ms(50),
              .unit = "ms",
              .better = Better::lower,
              .target = 0.5});
  report.add({.name = "submitted to function entered, 500/s, p99",
              .value = times.percentile_ms(99),
              .unit = "ms",
              .better = Better::lower,
              .target = 2});
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
