#pragma once

#include <functional>
#include <string>
#include <vector>

#include "report.h"

namespace tandem::bench {

// Each starts what it needs, measures, adds its figures, and leaves nothing behind.
struct Workload {
  std::string name;
  std::string what;
  std::function<void(Report&)> run;
  bool is_long = false;  // minutes: only where it is named
};

void measure_submit(Report& report);         // POST /api/v1/tasks, single and in batches
void measure_entry(Report& report);          // submission to handler entered
void measure_life_cycle(Report& report);     // submitted, run by a function, completed
void measure_processes(Report& report);      // no-op processes
void measure_cancel(Report& report);         // until all processes of a job are dead
void measure_backlog(Report& report);        // all that with a million tasks waiting
void measure_follow(Report& report);         // a log with one follower
void measure_followers(Report& report);      // a log with a thousand followers
void measure_redis_logs(Report& report);     // appends to logs in Redis
void measure_remote(Report& report);         // workers on other machines
void measure_fleet(Report& report);          // thousands of workers with nothing to do
void measure_lost_worker(Report& report);    // until the task of a lost worker runs elsewhere
void measure_postgres(Report& report);       // tasks in PostgreSQL
void measure_postgres_full(Report& report);  // with millions of rows
void measure_postgres_open_transaction(Report& report);  // of somebody else, for 10 minutes
void measure_postgres_hour(Report& report);              // does the table of tasks grow?
void measure_idle(Report& report);                       // start, memory, idling

}  // namespace tandem::bench
