#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "http_client.h"
#include "reference/blocked_clients.h"
#include "usage.h"
#include "worker_crowd.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kWorkers = 5000, kTasks = 500;
constexpr double kIdleS = 40, kLimitS = 60, kKiB = 1024;
constexpr std::string_view kSentAt = "\"sent_us\":";

// Many workers with nothing to do, all on one kind of channel.
class IdleFleet {
 public:
  explicit IdleFleet(WorkerCrowd::Channel channel)
      : channel_(channel), server_(ServerProcess::Flags{{"embedded-slots", "0"}}) {
    auto tokens = register_workers(server_.port(), server_.token(), kWorkers);
    wait_until_us(now_us() + 1'000'000);
    const double before = memory_bytes(server_.pid());
    crowd_ = std::make_unique<WorkerCrowd>(
        server_.port(), std::move(tokens), channel,
        [this](std::size_t who, std::string_view text) { hear(who, text); });
    for (std::size_t who = 0; who < kWorkers; ++who) wait_for_work(who);
    crowd_->read_for(3);
    kib_each_ = (memory_bytes(server_.pid()) - before) / kWorkers / kKiB;
  }

  double kib_each() const { return kib_each_; }
  // Heartbeats, polls that end and begin anew: what goes on where nothing happens.
  double percent_of_a_core() {
    const double cpu = server_.cpu_seconds();
    const std::int64_t began = now_us();
    for (std::size_t beats = 0; seconds_since(began) < kIdleS; ++beats) {
      if (channel_ == WorkerCrowd::Channel::socket)
        for (std::size_t who = beats % 100; who < kWorkers; who += 100)
          crowd_->send(who, R"({"type":"heartbeat","tasks":[]})");
      crowd_->read_for(0.1);
    }
    return (server_.cpu_seconds() - cpu) / seconds_since(began) * 100;
  }
  // From a submission until one of them has the job.
  Latencies pick_up_times() {
    HttpClient client(server_.port(), server_.token());
    for (int i = 1; i <= kTasks; ++i) {
      std::string body = R"({"payload":{"job_type":"x",)";
      body.append(kSentAt).append(std::to_string(now_us())).append("}}");
      client.post("/api/v1/tasks", body);
      crowd_->read_until([&] { return taken_ >= i; }, kLimitS);
    }
    return times_;
  }

 private:
  void wait_for_work(std::size_t who) {
    if (channel_ == WorkerCrowd::Channel::socket)
      crowd_->send(who, R"({"type":"ready","slots_free":1})");
    else
      crowd_->post(who, "claim", R"({"max":1,"wait_s":30})");
  }
  void hear(std::size_t who, std::string_view text) {
    const std::size_t at = text.find(kSentAt);
    if (at != std::string_view::npos) {
      ++taken_;
      times_.add(now_us() - std::atoll(text.data() + at + kSentAt.size()));
    } else if (channel_ == WorkerCrowd::Channel::http) {
      wait_for_work(who);
    }
  }

  const WorkerCrowd::Channel channel_;
  ServerProcess server_;
  std::unique_ptr<WorkerCrowd> crowd_;
  double kib_each_ = 0;
  int taken_ = 0;
  Latencies times_;
};

}  // namespace

void measure_fleet(Report& report) {
  double redis_kib = 0, redis_percent = 0, redis_p99_ms = 0;
  {
    BlockedClients redis(kWorkers);
    redis_kib = redis.kib_each();
    redis_percent = redis.percent_of_a_core(kIdleS);
    redis_p99_ms = redis.pick_up_times(kTasks).percentile_ms(99);
  }
  for (const auto channel : {WorkerCrowd::Channel::socket, WorkerCrowd::Channel::http}) {
    const std::string kind = channel == WorkerCrowd::Channel::socket ? "5,000 idle sockets, "
                                                                     : "5,000 idle long polls, ";
    IdleFleet fleet(channel);
    const auto add = [&](const char* what, double value, std::string unit, double target,
                         double reference) {
      report.add({.name = kind + what,
                  .value = value,
                  .unit = std::move(unit),
                  .better = Better::lower,
                  .target = target,
                  .reference_name = "redis-server, BLPOP",
                  .reference = reference});
    };
    add("memory each", fleet.kib_each(), "KiB", 16, redis_kib);
    add("part of a core", fleet.percent_of_a_core(), "%", 2, redis_percent);
    add("a task is taken, p99", fleet.pick_up_times().percentile_ms(99), "ms", 10, redis_p99_ms);
  }
}

}  // namespace tandem::bench
