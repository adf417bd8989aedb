#include <stdexcept>

#include "usage.h"
#include "workloads/task_flow.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr int kBacklog = 1'000'000, kBatch = 1000;

struct Round {
  Rate submit, batches, cycles;
  double entry_p50_ms = 0, entry_p99_ms = 0;
};

Round measure(const ServerProcess& server, Entries& entries) {
  Round round;
  Latencies times = entry_times(server, entries, 500, 3);
  round.entry_p50_ms = times.percentile_ms(50);
  round.entry_p99_ms = times.percentile_ms(99);
  round.submit = submit_rate(server, "/api/v1/tasks", parked_task(), 60'000);
  round.batches =
      submit_rate(server, "/api/v1/tasks/batch", batch_of(parked_task(), 100), 1'500, 100);
  round.cycles = life_cycles(server, entries, 100'000);
  return round;
}

// `loss`: how much worse it is with the backlog, as a part of what it was without.
void compare(Report& report, const std::string& what, double empty, double loss) {
  report.add({.name = "cost of a backlog of 1,000,000: " + what,
              .value = loss * 100,
              .unit = "%",
              .better = Better::lower,
              .target = 10,
              .reference_name = "without backlog",
              .reference = empty});
}

void compare_rates(Report& report, const std::string& what, const Rate& empty, const Rate& full) {
  compare(report, what, empty.per_second, 1 - full.per_second / empty.per_second);
}

// In milliseconds, and with no target: one slow sync of the disk more or less is a large part of
// it.
void compare_slowest(Report& report, const std::string& what, double empty_ms, double full_ms) {
  report.add({.name = "with a backlog of 1,000,000: " + what + ", p99",
              .value = full_ms,
              .unit = "ms",
              .better = Better::lower,
              .target = std::nullopt,
              .reference_name = "without backlog",
              .reference = empty_ms});
}

// Tasks each second that a worker of the network takes of those that wait for it, while it has not
// come to the end of `waiting`.
double taken_per_second(int waiting) {
  constexpr std::size_t kWarmUp = 20'000, kTaken = 100'000;
  Entries entries;
  const ServerProcess server(ServerProcess::Flags{{"embedded-slots", "0"}});
  submit_rate(server, "/api/v1/tasks/batch", batch_of(R"({"payload":{"job_type":"noop"}})", kBatch),
              static_cast<std::uint64_t>(waiting / kBatch), kBatch);
  const RemoteWorker worker(server, entries, sdk::Mode::push, 1000);
  const auto wait_for = [&](std::size_t count) {
    const std::int64_t began = now_us();
    while (entries.count_so_far() < count) {
      if (seconds_since(began) > 60) throw std::runtime_error("the backlog is not taken");
      wait_until_us(now_us() + 1000);
    }
  };
  wait_for(kWarmUp);
  const std::int64_t began = now_us();
  wait_for(kWarmUp + kTaken);
  return static_cast<double>(kTaken) / seconds_since(began);
}

}  // namespace

void measure_backlog(Report& report) {
  const double few = taken_per_second(140'000), many = taken_per_second(kBacklog);
  compare(report, "that one worker works off", few, 1 - many / few);
  Entries entries;
  const ServerProcess server = function_server(entries);
  life_cycles(server, entries, 10'000);
  const Round empty = measure(server, entries);
  submit_rate(server, "/api/v1/tasks/batch", batch_of(parked_task(), kBatch), kBacklog / kBatch,
              kBatch);
  const Round full = measure(server, entries);
  compare_rates(report, "submit", empty.submit, full.submit);
  compare_rates(report, "batches", empty.batches, full.batches);
  compare_rates(report, "life cycle", empty.cycles, full.cycles);
  compare(report, "function entered, p50", empty.entry_p50_ms,
          full.entry_p50_ms / empty.entry_p50_ms - 1);
  compare_slowest(report, "submit", empty.submit.p99_ms, full.submit.p99_ms);
  compare_slowest(report, "function entered", empty.entry_p99_ms, full.entry_p99_ms);
}

}  // namespace tandem::bench
