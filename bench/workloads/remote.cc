#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <stdexcept>

#include "http_client.h"
#include "reference/bare_submissions.h"
#include "reference/bare_table.h"
#include "usage.h"
#include "worker_crowd.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kTasks = 100'000;
constexpr int kPollers = 64;
constexpr double kLimitS = 60;

ServerProcess server_without_worker() {
  return ServerProcess(ServerProcess::Flags{{"embedded-slots", "0"}});
}

// Jobs as a server names them, answered with their ends; the text is scanned, not parsed, so that
// the server is what is measured. Adds to `updates`; answers how many.
int finish_jobs(std::string_view text, std::string& updates) {
  constexpr std::string_view kId = "{\"task_id\":\"", kAttempt = "\",\"attempt\":";
  int jobs = 0;
  for (std::size_t at = 0; (at = text.find(kId, at)) != std::string_view::npos; ++jobs) {
    at += kId.size();
    const std::string_view id = text.substr(at, 36);
    const std::size_t number = at + 36 + kAttempt.size();
    const std::size_t end = text.find(',', number);
    if (!updates.empty()) updates += ',';
    updates.append("{\"task_id\":\"").append(id).append(kAttempt);
    updates.append(text.substr(number, end - number));
    updates += R"(,"status":"completed","log_records":0})";
  }
  return jobs;
}

// One worker on a WebSocket, with room for 1,000 tasks.
Rate over_socket() {
  const ServerProcess server = server_without_worker();
  int ended = 0;
  WorkerCrowd* crowd = nullptr;
  const auto said = [&](std::size_t, std::string_view text) {
    if (!text.starts_with(R"({"type":"assign")")) return;
    std::string updates;
    ended += finish_jobs(text, updates);
    crowd->send(0, R"({"type":"update","updates":[)" + updates + "]}");
    crowd->send(0, R"({"type":"ready","slots_free":1000})");
  };
  WorkerCrowd worker(server.port(), register_workers(server.port(), server.token(), 1),
                     WorkerCrowd::Channel::socket, said);
  crowd = &worker;
  submit_noops(server, kTasks);
  const ServerWatch watch(server);
  worker.send(0, R"({"type":"ready","slots_free":1000})");
  worker.read_until([&] { return ended >= kTasks; }, kLimitS);
  return watch.rate(kTasks);
}

// One worker that asks for up to 100 jobs and, over a second connection, tells of their ends.
Rate over_claims() {
  const ServerProcess server = server_without_worker();
  const std::vector<std::string> token = register_workers(server.port(), server.token(), 1);
  int ended = 0;
  bool is_reporting = false;
  std::string waiting;
  WorkerCrowd *poller = nullptr, *reporter = nullptr;
  const auto report = [&] {
    if (is_reporting || waiting.empty()) return;
    is_reporting = true;
    reporter->post(0, "update", "{\"updates\":[" + std::exchange(waiting, {}) + "]}");
  };
  WorkerCrowd reports(server.port(), token, WorkerCrowd::Channel::http,
                      [&](std::size_t, std::string_view) {
                        is_reporting = false;
                        report();
                      });
  reporter = &reports;
  WorkerCrowd polls(server.port(), token, WorkerCrowd::Channel::http,
                    [&](std::size_t, std::string_view text) {
                      ended += finish_jobs(text, waiting);
                      report();
                    });
  poller = &polls;
  submit_noops(server, kTasks);
  const ServerWatch watch(server);
  while (ended < kTasks) {
    const int before = ended;
    poller->post(0, "claim", R"({"max":100,"wait_s":5})");
    poller->read_until([&] { return ended > before; }, kLimitS);
    reporter->read_until([&] { return !is_reporting; }, kLimitS);
  }
  return watch.rate(kTasks);
}

// Workers of one slot that know the configuration's address alone: a poll, then the job's end.
Rate over_plain_polls() {
  const ServerProcess server = server_without_worker();
  int ended = 0;
  std::vector<char> is_told(kPollers);
  WorkerCrowd* crowd = nullptr;
  const auto said = [&](std::size_t who, std::string_view text) {
    if (std::exchange(is_told[who], false)) return crowd->get(who, "config");
    std::string update;
    const std::size_t jobs = text.find("\"jobs\":");
    if (jobs != std::string_view::npos && finish_jobs(text.substr(jobs), update) == 1) {
      ++ended;
      is_told[who] = true;
      return crowd->post(who, "update", update);
    }
    crowd->get(who, "config");
  };
  WorkerCrowd workers(server.port(), register_workers(server.port(), server.token(), kPollers),
                      WorkerCrowd::Channel::http, said);
  crowd = &workers;
  submit_noops(server, kTasks);
  const ServerWatch watch(server);
  for (std::size_t who = 0; who < kPollers; ++who) workers.get(who, "config");
  workers.read_until([&] { return ended >= kTasks; }, kLimitS);
  return watch.rate(kTasks);
}

// A worker of the SDK, with functions, for what waits when it comes.
Rate through_sdk(sdk::Mode mode) {
  Entries entries;
  const ServerProcess server = server_without_worker();
  submit_noops(server, kTasks);
  HttpClient client(server.port(), server.token());
  const ServerWatch watch(server);
  const RemoteWorker worker(server, entries, mode, 1000);
  await_completed(client, entries, kTasks, kTasks);
  return watch.rate(kTasks);
}

// The same while they are submitted.
Rate life_cycles_through_sdk(sdk::Mode mode) {
  Entries entries;
  const ServerProcess server = server_without_worker();
  const RemoteWorker worker(server, entries, mode, 1000);
  life_cycles(server, entries, kTasks / 10);
  return life_cycles(server, entries, kTasks);
}

void measure_entries(Report& report, sdk::Mode mode, const std::string& kind, double p50_ms) {
  constexpr int kPerSecond = 500, kSeconds = 10;
  const Latencies bare = bare_answer_times(parked_task(), kPerSecond * kSeconds, kPerSecond);
  Entries entries;
  const ServerProcess server = server_without_worker();
  const RemoteWorker worker(server, entries, mode, 8);
  entry_times(server, entries, kPerSecond, 1);
  const Latencies times = entry_times(server, entries, kPerSecond, kSeconds);
  add_entry_times(report, "submitted to function entered afar, 500/s, " + kind,
                  {.p50_ms = p50_ms, .p99_ms = 4}, times, bare);
}

}  // namespace

void measure_remote(Report& report) {
  const double bare = bare_cycles_per_second(kTasks);
  const auto add = [&](std::string name, const Rate& rate, double target) {
    report.add({.name = std::move(name),
                .value = rate.per_second,
                .unit = "tasks/s",
                .target = target,
                .reference_name = "bare SQLite cycle",
                .reference = bare,
                .server_cpu_s = rate.server_cpu_s_per_1000});
  };
  add("one worker on a WebSocket, no-op", over_socket(), 30'000);
  add("one worker, long polls for 100 at a time", over_claims(), 20'000);
  add("64 workers, one job a poll of /polling/config", over_plain_polls(), 12'000);
  add("one SDK worker on a WebSocket, no-op functions", through_sdk(sdk::Mode::push), 30'000);
  add("one SDK worker, long polls, no-op functions", through_sdk(sdk::Mode::polling), 20'000);
  add("submitted and run, one SDK worker on a WebSocket", life_cycles_through_sdk(sdk::Mode::push),
      30'000);
  add("submitted and run, one SDK worker, long polls", life_cycles_through_sdk(sdk::Mode::polling),
      20'000);
  measure_entries(report, sdk::Mode::push, "push", 0.8);
  measure_entries(report, sdk::Mode::polling, "long poll", 1);
}

}  // namespace tandem::bench
