#include <algorithm>
#include <boost/json/parse.hpp>
#include <vector>

#include "http_client.h"
#include "usage.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"
#include "ws_crowd.h"

namespace tandem::bench {
namespace {

constexpr double kMiB = 1024 * 1024, kKiB = 1024;
constexpr int kStarts = 11, kSockets = 2000;
constexpr double kIdleS = 10;

double median_start_ms() {
  std::vector<double> times;
  for (int i = 0; i < kStarts; ++i)
    times.push_back(ServerProcess(ServerProcess::Flags{}).seconds_to_ready() * 1000);
  std::nth_element(times.begin(), times.begin() + kStarts / 2, times.end());
  return times[kStarts / 2];
}

}  // namespace

void measure_idle(Report& report) {
  const auto add = [&](std::string name, double value, std::string unit, double target) {
    report.add({.name = std::move(name),
                .value = value,
                .unit = std::move(unit),
                .better = Better::lower,
                .target = target});
  };
  add("start to ready, new data directory, median", median_start_ms(), "ms", 100);
  const ServerProcess server(ServerProcess::Flags{});
  wait_until_us(now_us() + 1'000'000);
  const double cpu = server.cpu_seconds();
  wait_until_us(now_us() + static_cast<std::int64_t>(kIdleS * 1e6));
  add("idle server, part of a core", (server.cpu_seconds() - cpu) / kIdleS * 100, "%", 0.3);
  const double before = memory_bytes(server.pid());
  add("idle server, memory", before / kMiB, "MiB", 30 * 1e6 / kMiB);

  HttpClient client(server.port(), server.token());
  const auto task = boost::json::parse(client.post("/api/v1/tasks", parked_task()).body);
  WsCrowd crowd(server.port(), server.token(), std::string(task.at("task_id").as_string()),
                kSockets);
  crowd.read_some(1);
  const double grown = memory_bytes(server.pid()) - before;
  add("idle WebSocket, memory", grown / kSockets / kKiB, "KiB", 12);
}

}  // namespace tandem::bench
