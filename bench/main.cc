// Runs the workloads against real servers on this machine and prints each figure beside its
// reference from the same run: `./dev bench`.
#include <fmt/core.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string_view>

#include "log_lines.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {
      {"submit", "POST /api/v1/tasks, single and in batches", measure_submit},
      {"entry", "from a submission to its function entered", measure_entry},
      {"cycle", "submitted, run by a function, completed", measure_life_cycle},
      {"processes", "no-op processes with their output captured", measure_processes},
      {"cancel", "a job with many processes, cancelled", measure_cancel},
      {"remote", "workers that come over the network", measure_remote},
      {"fleet", "thousands of idle workers", measure_fleet},
      {"lost", "workers that are killed or frozen", measure_lost_worker},
      {"follow", "a log with one follower", measure_follow},
      {"followers", "a log with 1,000 followers", measure_followers},
      {"redis_logs", "records appended to logs in Redis", measure_redis_logs},
      {"idle", "start, memory and idling", measure_idle},
      {"postgres", "submit, cycle and entry with tasks in PostgreSQL", measure_postgres},
      {"postgres_full", "cycle with millions of rows in PostgreSQL", measure_postgres_full, true},
      {"postgres_open_transaction", "cycle while somebody keeps a transaction open",
       measure_postgres_open_transaction, true},
      {"postgres_hour", "an hour at 5,000 tasks/s", measure_postgres_hour, true},
      {"backlog", "submit, entry and cycle with 1,000,000 tasks waiting", measure_backlog},
  };
  return all;
}

void raise_file_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

int run(const std::vector<std::string>& only, const std::string& json_path) {
  raise_file_limit();
  Report report;
  int broken = 0;
  for (const Workload& workload : workloads()) {
    const bool is_named = std::find(only.begin(), only.end(), workload.name) != only.end();
    if (only.empty() ? workload.is_long : !is_named) continue;
    report.note(workload.name + ": " + workload.what);
    try {
      workload.run(report);
    } catch (const std::exception& error) {
      report.note(workload.name + " broke: " + error.what());
      ++broken;
    }
  }
  report.write_json(json_path);
  fmt::print("{} figures, {} below their target, {} workloads broken\n", report.figures().size(),
             report.missed(), broken);
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "emit-lines")
    return tandem::bench::emit_lines(std::strtoull(argv[2], nullptr, 10));
  CLI::App app{"Measures Tandem on this machine."};
  std::vector<std::string> only;
  const auto own = std::filesystem::read_symlink("/proc/self/exe");
  std::string json_path = (own.parent_path() / "figures.json").string();
  app.add_option(
      "workloads", only,
      "submit entry cycle processes cancel remote fleet lost follow followers redis_logs "
      "idle postgres backlog; only where named: postgres_full postgres_open_transaction "
      "postgres_hour");
  app.add_option("--json", json_path, "the file that the figures are written to as well")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return tandem::bench::run(only, json_path);
}
