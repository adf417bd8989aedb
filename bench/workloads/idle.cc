#include <sys/socket.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <functional>
#include <stdexcept>
#include <vector>

#include "http_client.h"
#include "logs/redis/test_redis_server.h"
#include "usage.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"
#include "ws_crowd.h"

namespace tandem::bench {
namespace {

constexpr double kMiB = 1024 * 1024, kKiB = 1024;
constexpr int kStarts = 11, kSockets = 2000;
constexpr double kIdleS = 10;

struct Idling {
  double start_ms = 0, core_percent = 0, memory_mib = 0, socket_kib = 0;
};

double median_of_starts(const std::function<double()>& start_ms) {
  std::vector<double> times;
  for (int i = 0; i < kStarts; ++i) times.push_back(start_ms());
  std::nth_element(times.begin(), times.begin() + kStarts / 2, times.end());
  return times[kStarts / 2];
}

// Of a process that does nothing.
void look_at(pid_t pid, Idling& idling) {
  wait_until_us(now_us() + 1'000'000);
  const double cpu = cpu_seconds(pid);
  wait_until_us(now_us() + static_cast<std::int64_t>(kIdleS * 1e6));
  idling.core_percent = (cpu_seconds(pid) - cpu) / kIdleS * 100;
  idling.memory_mib = memory_bytes(pid) / kMiB;
}

double per_socket_kib(pid_t pid, const Idling& before) {
  return (memory_bytes(pid) - before.memory_mib * kMiB) / kSockets / kKiB;
}

// A server that is known for how little it takes.
Idling redis_server() {
  Idling redis;
  redis.start_ms = median_of_starts([] {
    const std::int64_t began = now_us();
    const logs::TestRedisServer server;
    return seconds_since(began) * 1000;
  });
  const logs::TestRedisServer server;
  look_at(server.pid(), redis);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < kSockets; ++i) {
    clients.push_back(connect_to(server.address().port));
    write_all(clients.back().get(), "PING\r\n");
    char answer[16];
    if (::recv(clients.back().get(), answer, sizeof answer, 0) <= 0)
      throw std::runtime_error("Redis does not answer");
  }
  redis.socket_kib = per_socket_kib(server.pid(), redis);
  return redis;
}

Idling whole_server() {
  Idling whole;
  whole.start_ms = median_of_starts(
      [] { return ServerProcess(ServerProcess::Flags{}).seconds_to_ready() * 1000; });
  const ServerProcess server(ServerProcess::Flags{});
  look_at(server.pid(), whole);
  HttpClient client(server.port(), server.token());
  const auto task = boost::json::parse(client.post("/api/v1/tasks", parked_task()).body);
  WsCrowd crowd(server.port(), server.token(), std::string(task.at("task_id").as_string()),
                kSockets);
  crowd.read_some(1);
  whole.socket_kib = per_socket_kib(server.pid(), whole);
  return whole;
}

}  // namespace

void measure_idle(Report& report) {
  const Idling redis = redis_server(), whole = whole_server();
  const auto add = [&](std::string name, double Idling::*value, std::string unit, double target) {
    report.add({.name = std::move(name),
                .value = whole.*value,
                .unit = std::move(unit),
                .better = Better::lower,
                .target = target,
                .reference_name = "redis-server",
                .reference = redis.*value});
  };
  add("start to ready, new data directory, median", &Idling::start_ms, "ms", 100);
  add("idle server, part of a core", &Idling::core_percent, "%", 0.3);
  add("idle server, memory", &Idling::memory_mib, "MiB", 30 * 1e6 / kMiB);
  add("idle WebSocket, memory", &Idling::socket_kib, "KiB", 12);
}

}  // namespace tandem::bench
