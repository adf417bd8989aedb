#include <fmt/core.h>

#include <boost/json/parse.hpp>
#include <stdexcept>

#include "http_client.h"
#include "log_lines.h"
#include "reference/line_relay.h"
#include "server_process.h"
#include "usage.h"
#include "workloads/workloads.h"
#include "ws_crowd.h"

namespace tandem::bench {
namespace {

constexpr int kFollowers = 1000;
constexpr std::uint64_t kLines = 20'000;
constexpr double kLimitS = 60;

}  // namespace

// The job waits in the queue, behind one that holds the only slot, until all follow it.
void measure_followers(Report& report) {
  const double reference = bare_relay_lines_per_second(kLines, kFollowers);
  const ServerProcess server({{"allow-exec", "yes"}, {"embedded-slots", "1"}});
  HttpClient client(server.port(), server.token());
  const auto submit = [&](const std::string& body) {
    const auto task = boost::json::parse(client.post("/api/v1/tasks", body).body);
    return std::string(task.at("task_id").as_string());
  };
  const std::string first = submit(R"({"payload":{"job_type":"exec","argv":["/bin/sleep","60"]}})");
  const std::string task_id = submit(emitting_task(kLines));
  WsCrowd crowd(server.port(), server.token(), task_id, kFollowers);
  const double cpu = server.cpu_seconds();
  const std::int64_t began = now_us();
  client.post("/api/v1/tasks/" + first + "/cancel", "{}");
  crowd.read_to_the_end(kLimitS);
  const double seconds = seconds_since(began);
  if (crowd.ended() != kFollowers || crowd.gaps() > 0 || crowd.lines() != kLines * kFollowers)
    throw std::runtime_error(fmt::format("{} of {} ended, {} gaps, {} lines", crowd.ended(),
                                         kFollowers, crowd.gaps(), crowd.lines()));
  const auto deliveries = static_cast<double>(crowd.lines());
  report.add({.name = "log of one job to 1,000 followers",
              .value = deliveries / seconds,
              .unit = "lines/s",
              .target = 500'000,
              .reference_name = "bare relay",
              .reference = reference,
              .server_cpu_s = (server.cpu_seconds() - cpu) / deliveries * 1000});
}

}  // namespace tandem::bench
