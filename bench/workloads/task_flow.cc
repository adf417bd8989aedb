#include "workloads/task_flow.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "http_client.h"
#include "usage.h"

namespace tandem::bench {
namespace {

constexpr int kConnections = 64;
constexpr int kBatchConnections = 8;
constexpr int kBatch = 100;
constexpr std::int64_t kDrainLimitUs = 60'000'000;
constexpr std::string_view kSentAt = "\"sent_us\":";

std::int64_t completed_tasks(HttpClient& client) {
  const auto stats = boost::json::parse(client.get("/api/v1/tasks/stats").body);
  const auto* count = stats.at("statuses").as_object().if_contains("completed");
  return count == nullptr ? 0 : count->to_number<std::int64_t>();
}

}  // namespace

std::string parked_task() {
  return R"({"payload":{"job_type":"parked","input_url":"https://example.com/image.jpg"},)"
         R"("assignment":"polling"})";
}

std::string batch_of(const std::string& task, int count) {
  std::string body = "{\"tasks\":[" + task;
  for (int i = 1; i < count; ++i) body += "," + task;
  return body + "]}";
}

Rate submit_rate(const ServerProcess& server, const std::string& target, const std::string& body,
                 std::uint64_t requests, int tasks_each) {
  const HttpLoad load(server.port(), tasks_each == 1 ? kConnections : kBatchConnections);
  const double cpu = server.cpu_seconds();
  auto result = load.run(request_text("POST", target, server.token(), body), requests);
  if (result.refused > 0) throw std::runtime_error("submissions were refused");
  const double tasks = static_cast<double>(result.answers) * tasks_each;
  return {.per_second = tasks / result.seconds,
          .server_cpu_s_per_1000 = (server.cpu_seconds() - cpu) / tasks * 1000,
          .p99_ms = result.latencies.percentile_ms(99)};
}

Entries::Entries() {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  shared_ = new (memory) Shared;
}

Entries::~Entries() { ::munmap(shared_, sizeof(Shared)); }

void Entries::note(const std::string& payload) {
  const std::size_t at = payload.find(kSentAt);
  const std::int64_t sent = std::atoll(payload.c_str() + at + kSentAt.size());
  const std::size_t place = shared_->entered.fetch_add(1);
  if (place < kMaxEntries) shared_->entry_us[place] = now_us() - sent;
}

void Entries::hold() {
  shared_->holder = ::getpid();
  while (true) ::pause();
}

Latencies Entries::latencies() const {
  Latencies latencies;
  for (std::size_t i = 0; i < shared_->entered && i < kMaxEntries; ++i)
    latencies.add(shared_->entry_us[i]);
  return latencies;
}

ServerProcess function_server(Entries& entries, ServerProcess::Flags flags) {
  const auto add_handlers = [&entries](worker::HandlerRegistry& handlers) {
    const auto entered = [&entries](const Task& task) {
      entries.note(task.spec.payload);
      return worker::FunctionAnswer{};
    };
    const auto noop = [&entries](const Task&) {
      entries.count();
      return worker::FunctionAnswer{};
    };
    handlers.add("entered", worker::QuickFunction(entered));
    handlers.add("noop", worker::QuickFunction(noop));
  };
  flags.insert({"embedded-slots", "1000"});
  return ServerProcess(std::move(flags), add_handlers);
}

RemoteWorker::RemoteWorker(const ServerProcess& server, Entries& entries, sdk::Mode mode,
                           int slots) {
  pid_ = ::fork();
  if (pid_ != 0) return;
  sdk::WorkerOptions options;
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port());
  options.config_url = url + "/api/v1/polling/config";
  options.registration_token = server.token();
  options.mode = mode;
  options.slots = slots;
  int code = 0;
  try {
    sdk::Worker worker(options);
    worker.handle_quickly("noop", [&entries](const std::string&) {
      entries.count();
      return std::string();
    });
    worker.handle_quickly("entered", [&entries](const std::string& payload) {
      entries.note(payload);
      return std::string();
    });
    worker.handle("held", [&entries](sdk::Job&) {
      entries.hold();
      return std::string();
    });
    worker.run();
  } catch (const std::exception&) {
    code = 1;
  }
  ::_exit(code);
}

RemoteWorker::~RemoteWorker() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Latencies entry_times(const ServerProcess& server, Entries& entries, int per_second,
                      double seconds) {
  const auto count = static_cast<std::size_t>(per_second * seconds);
  HttpClient client(server.port(), server.token());
  entries.clear();
  const std::int64_t began = now_us() + 10'000;
  for (std::size_t i = 0; i < count; ++i) {
    wait_until_us(began + static_cast<std::int64_t>(i) * 1'000'000 / per_second);
    std::string body = R"({"payload":{"job_type":"entered",)";
    body.append(kSentAt).append(std::to_string(now_us())).append("}}");
    if (client.post("/api/v1/tasks", body).status != 201)
      throw std::runtime_error("a submission was refused");
  }
  while (entries.count_so_far() < count && now_us() - began < kDrainLimitUs)
    wait_until_us(now_us() + 1000);
  return entries.latencies();
}

void add_entry_times(Report& report, const std::string& name, const EntryTargets& targets,
                     Latencies times, Latencies bare) {
  const auto add = [&](int percent, double target) {
    report.add({.name = name + ", p" + std::to_string(percent),
                .value = times.percentile_ms(percent),
                .unit = "ms",
                .better = Better::lower,
                .target = target,
                .reference_name = "bare epoll + SQLite: answered",
                .reference = bare.percentile_ms(percent)});
  };
  add(50, targets.p50_ms);
  add(99, targets.p99_ms);
}

ServerWatch::ServerWatch(const ServerProcess& server)
    : server_(server), cpu_(server.cpu_seconds()), began_us_(now_us()) {}

Rate ServerWatch::rate(int tasks) const {
  return {.per_second = tasks / seconds_since(began_us_),
          .server_cpu_s_per_1000 = (server_.cpu_seconds() - cpu_) / tasks * 1000};
}

void submit_noops(const ServerProcess& server, int tasks) {
  const HttpLoad load(server.port(), kBatchConnections);
  const std::string body = batch_of(R"({"payload":{"job_type":"noop"}})", kBatch);
  const LoadResult submitted =
      load.run(request_text("POST", "/api/v1/tasks/batch", server.token(), body),
               static_cast<std::uint64_t>(tasks / kBatch));
  if (submitted.refused > 0) throw std::runtime_error("batches were refused");
}

void await_completed(HttpClient& client, const Entries& entries, int tasks, std::int64_t in_all) {
  const std::int64_t began = now_us();
  const auto entered = static_cast<std::size_t>(tasks);
  while (entries.count_so_far() < entered || completed_tasks(client) < in_all) {
    if (now_us() - began > kDrainLimitUs) throw std::runtime_error("tasks do not complete");
    wait_until_us(now_us() + 2000);
  }
}

Rate life_cycles(const ServerProcess& server, Entries& entries, int tasks) {
  HttpClient client(server.port(), server.token());
  const std::int64_t before = completed_tasks(client);
  entries.clear();
  const ServerWatch watch(server);
  submit_noops(server, tasks);
  await_completed(client, entries, tasks, before + tasks);
  return watch.rate(tasks);
}

}  // namespace tandem::bench
