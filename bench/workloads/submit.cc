#include "reference/bare_submissions.h"
#include "reference/bare_table.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {

namespace {

constexpr std::uint64_t kWarmUp = 5'000, kRequests = 150'000, kBatches = 4'000;
constexpr int kBatch = 100;

}  // namespace

void measure_submit(Report& report) {
  LoadResult bare = bare_submissions(parked_task(), kRequests);
  const double bare_inserts = bare_inserts_per_second(kBatches * kBatch);
  const ServerProcess server(ServerProcess::Flags{});
  submit_rate(server, "/api/v1/tasks", parked_task(), kWarmUp);
  const Rate single = submit_rate(server, "/api/v1/tasks", parked_task(), kRequests);
  report.add({.name = "submit, 64 connections",
              .value = single.per_second,
              .unit = "tasks/s",
              .target = 30'000,
              .reference_name = "bare epoll + SQLite",
              .reference = bare.rate(),
              .server_cpu_s = single.server_cpu_s_per_1000});
  report.add({.name = "submit, 64 connections, p99",
              .value = single.p99_ms,
              .unit = "ms",
              .better = Better::lower,
              .target = 10,
              .reference_name = "bare epoll + SQLite",
              .reference = bare.latencies.percentile_ms(99)});
  const Rate batches =
      submit_rate(server, "/api/v1/tasks/batch", batch_of(parked_task(), kBatch), kBatches, kBatch);
  report.add({.name = "submit in batches of 100",
              .value = batches.per_second,
              .unit = "tasks/s",
              .target = 80'000,
              .reference_name = "bare SQLite inserts",
              .reference = bare_inserts,
              .server_cpu_s = batches.server_cpu_s_per_1000});
}

}  // namespace tandem::bench
