#include <boost/json/parse.hpp>
#include <csignal>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "http_client.h"
#include "usage.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kTrials = 3;
constexpr double kLeaseS = 5, kLimitS = 30;

void wait_for(const std::function<bool()>& is_there) {
  const std::int64_t began = now_us();
  while (!is_there()) {
    if (seconds_since(began) > kLimitS) throw std::runtime_error("a task did not run elsewhere");
    wait_until_us(now_us() + 1000);
  }
}

// Of two workers the one that runs a task is sent the signal: seconds until the other one runs it.
double seconds_until_elsewhere(sdk::Mode mode, int signal) {
  Entries entries;
  const ServerProcess server(
      ServerProcess::Flags{{"embedded-slots", "0"}, {"lease-s", "5"}, {"heartbeat-s", "1"}});
  std::vector<std::unique_ptr<RemoteWorker>> workers;
  for (int i = 0; i < 2; ++i)
    workers.push_back(std::make_unique<RemoteWorker>(server, entries, mode, 1));
  HttpClient client(server.port(), server.token());
  wait_for([&] {
    const auto fleet = boost::json::parse(client.get("/api/v1/workers").body);
    int connected = 0;
    for (const auto& worker : fleet.at("items").as_array())
      if (!worker.at("channel").is_null()) ++connected;
    return connected == 2;
  });
  client.post("/api/v1/tasks",
              R"({"payload":{"job_type":"held"},"max_attempts":2,"retry_delay_s":0})");
  wait_for([&] { return entries.holder() != 0; });
  const pid_t first = entries.holder();
  const std::int64_t began = now_us();
  ::kill(first, signal);
  wait_for([&] { return entries.holder() != first; });
  return seconds_since(began);
}

void measure(Report& report, const std::string& name, sdk::Mode mode, int signal, double target) {
  double longest = 0;
  for (int i = 0; i < kTrials; ++i)
    longest = std::max(longest, seconds_until_elsewhere(mode, signal));
  report.add({.name = name + ", its task runs elsewhere, longest of " + std::to_string(kTrials),
              .value = longest,
              .unit = "s",
              .better = Better::lower,
              .target = target});
}

}  // namespace

void measure_lost_worker(Report& report) {
  measure(report, "worker with a socket killed", sdk::Mode::push, SIGKILL, 2);
  measure(report, "worker with a socket frozen, lease 5 s", sdk::Mode::push, SIGSTOP, kLeaseS + 2);
  measure(report, "worker that polls frozen, lease 5 s", sdk::Mode::polling, SIGSTOP, kLeaseS + 2);
}

}  // namespace tandem::bench
