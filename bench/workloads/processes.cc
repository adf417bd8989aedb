#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "http_client.h"
#include "reference/spawn_loop.h"
#include "usage.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kProcesses = 10'000;

std::int64_t finished(HttpClient& client) {
  const auto stats = boost::json::parse(client.get("/api/v1/tasks/stats").body);
  const auto& statuses = stats.at("statuses").as_object();
  std::int64_t count = 0;
  for (const char* status : {"completed", "failed"})
    if (const auto* some = statuses.if_contains(status)) count += some->to_number<std::int64_t>();
  return count;
}

// Asked only when the last one has run: counting costs what is measured.
void wait_for_all(HttpClient& client, const std::string& last) {
  const std::int64_t began = now_us();
  client.get("/api/v1/tasks/" + last + "?wait_s=60");
  while (finished(client) < kProcesses) {
    if (seconds_since(began) > 60) throw std::runtime_error("tasks do not finish");
    wait_until_us(now_us() + 10'000);
  }
}

std::string last_id(const HttpAnswer& batch) {
  const auto answer = boost::json::parse(batch.body);
  return std::string(answer.at("tasks").as_array().back().at("task_id").as_string());
}

}  // namespace

void measure_processes(Report& report) {
  const std::vector<std::string> argv = {"/bin/echo", "a line of output"};
  const double reference = bare_spawns_per_second(argv, kProcesses);
  const ServerProcess server({{"embedded-slots", "32"}, {"allow-exec", "yes"}});
  const boost::json::object payload{{"job_type", "exec"},
                                    {"argv", boost::json::array(argv.begin(), argv.end())}};
  const std::string task = boost::json::serialize(boost::json::object{{"payload", payload}});
  HttpClient client(server.port(), server.token());
  const double cpu = server.cpu_seconds();
  const std::int64_t began = now_us();
  std::string last;
  for (int sent = 0; sent < kProcesses; sent += 1000)
    last = last_id(client.post("/api/v1/tasks/batch", batch_of(task, 1000)));
  wait_for_all(client, last);
  const double rate = kProcesses / seconds_since(began);
  report.add({.name = "no-op process, output captured, 32 slots",
              .value = rate,
              .unit = "tasks/s",
              .target = 0.7 * reference,
              .reference_name = "bare posix_spawn loop",
              .reference = reference,
              .server_cpu_s = (server.cpu_seconds() - cpu) / kProcesses * 1000});
}

}  // namespace tandem::bench
