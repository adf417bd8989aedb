#include "http_client.h"
#include "reference/group_commit_server.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {

void measure_submit(Report& report) {
  constexpr std::uint64_t kWarmUp = 5'000, kRequests = 150'000, kBatches = 4'000;
  double reference = 0;
  {
    const GroupCommitServer bare;
    const HttpLoad load(bare.port(), 64);
    const std::string request = request_text("POST", "/api/v1/tasks", "", parked_task());
    load.run(request, kWarmUp);
    reference = load.run(request, kRequests).rate();
  }
  const ServerProcess server(ServerProcess::Flags{});
  submit_rate(server, "/api/v1/tasks", parked_task(), kWarmUp);
  const Rate single = submit_rate(server, "/api/v1/tasks", parked_task(), kRequests);
  report.add({.name = "submit, 64 connections",
              .value = single.per_second,
              .unit = "tasks/s",
              .target = 30'000,
              .reference_name = "bare epoll + SQLite",
              .reference = reference,
              .server_cpu_s = single.server_cpu_s_per_1000});
  report.add({.name = "submit, 64 connections, p99",
              .value = single.p99_ms,
              .unit = "ms",
              .better = Better::lower,
              .target = 10});
  const Rate batches =
      submit_rate(server, "/api/v1/tasks/batch", batch_of(parked_task(), 100), kBatches, 100);
  report.add({.name = "submit in batches of 100",
              .value = batches.per_second,
              .unit = "tasks/s",
              .target = 80'000,
              .server_cpu_s = batches.server_cpu_s_per_1000});
}

}  // namespace tandem::bench
