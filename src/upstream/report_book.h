#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/task.h"
#include "upstream/foreign_job.h"
#include "wire/update_json.h"

namespace tandem::upstream {

// What a service wants to hear of jobs that it has leased out; zero: it leases none.
struct LeaseRules {
  bool accept_at_once = false;      // a job that waits here is told to run: it has been taken
  std::int64_t renew_every_ms = 0;  // say again how it is
  std::int64_t give_up_ms = 0;      // unheard for so long, it will soon be given to another
};

// The jobs of a service that are ours: not ended yet, or ended without the service knowing it. Of
// each it says what is to be told next: that it runs first of all, then how it is, its end last;
// one report of a job at a time. Only the latest is told of what changes faster than it is told.
// A job that is only offered is told to run, and becomes a task when that was taken.
// No clock and no socket: one thread.
class ReportBook {
 public:
  // A report under way; it is answered by exactly one told(), put_off() or skipped().
  struct Due {
    ForeignJob job;
    wire::Update update;
    bool is_final = false;
    MonoTime taken_at{};
  };
  // What ends a job's stay here once its last report is taken: that its task's end is owed no more.
  struct Ended {
    TaskId task_id;
    std::optional<WallTime> finished_at;  // none: there is no task (any more)
  };

  void set_rules(const LeaseRules& rules);
  const LeaseRules& rules() const { return rules_; }
  bool has(const ForeignJob& job) const { return entries_.contains(job); }
  std::size_t size() const { return entries_.size(); }
  std::set<ForeignJob> jobs() const;
  std::size_t waiting() const { return waiting_; }  // for a worker
  bool owes_ends() const;  // is there one that has ended and is not forgotten?

  void offer(const ForeignJob& job);
  void add(const ForeignJob& job, const Task& task);  // one that has a task is kept as it is
  void saw(const ForeignJob& job, const Task& task);  // its task has changed
  // There is no task of it: it ends with this. Nothing where its end is known already.
  void end(const ForeignJob& job, wire::UpdateStatus status, std::optional<TaskError> why);

  // Those that the service has not heard of for too long; each once. Where their tasks are
  // cancelled they are given back, as are those that failed for want of a worker.
  std::vector<ForeignJob> take_unheard(MonoTime now);
  // The same of those that are leased and wait for a worker, which they will not get.
  std::vector<ForeignJob> take_waiting();

  std::optional<Due> take(MonoTime now);
  MonoTime next_due() const { return due_.empty() ? kNever : std::get<0>(*due_.begin()); }

  void told(const Due& report, MonoTime now);
  void skipped(const Due& report, MonoTime now) { told(report, now); }  // it will never be taken
  void put_off(const Due& report, MonoTime until);
  int refused(const ForeignJob& job);  // how often its report was, with this time
  // After told() of the last report; forget() when that is written down.
  std::optional<Ended> ended(const ForeignJob& job) const;
  void forget(const ForeignJob& job);

 private:
  using Place = std::tuple<MonoTime, std::uint64_t, const ForeignJob*>;  // time, turn
  struct Entry {
    TaskId task_id;
    TaskStatus status = TaskStatus::pending;
    bool is_offer = false, was_started = false, is_given_up = false;
    std::optional<WallTime> finished_at;
    bool has_ended = false;
    wire::Update latest;                                          // how the task is
    std::optional<std::pair<wire::UpdateStatus, Progress>> told;  // last
    MonoTime told_at, heard_at, not_before;  // heard_at: no later than the service has heard
    bool is_under_way = false, is_end_told = false;
    int refusals = 0;
    MonoTime due_at = kNever;  // with turn: its place in due_
    std::uint64_t turn = 0;
  };
  void look_at(const ForeignJob& job, Entry& entry, const Task& task);
  wire::Update next_of(const ForeignJob& job, const Entry& entry) const;
  MonoTime due_time(const Entry& entry) const;
  void plan(const ForeignJob& job, Entry& entry);
  Entry* find(const ForeignJob& job);

  LeaseRules rules_;
  std::map<ForeignJob, Entry> entries_;
  std::set<Place> due_;
  std::size_t waiting_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace tandem::upstream
