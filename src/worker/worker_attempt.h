#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "worker/alarm.h"
#include "worker/job.h"
#include "worker/worker.h"

namespace tandem::worker {

// One attempt of a worker, from its order to the answer to its end.
struct Worker::Attempt final : JobListener, std::enable_shared_from_this<Attempt> {
  Attempt(Worker& owner, const AssignOrder& order)
      : worker(owner), task(order.task), known_as(order.known_as), lease_until(order.lease_until) {}

  void progressed(const Progress& progress) override;
  void asks(const InputRequest& request) override;

  Key key() const { return {task->task_id, task->attempt}; }
  Report report(ReportKind kind) const;
  // Calls `again` after a pause that grows from call to call.
  void later(std::function<void()> again);
  bool is_over(MonoTime now) const { return lost || (lease_until && *lease_until <= now); }

  Worker& worker;
  TaskPtr task;
  const std::string known_as;
  std::optional<MonoTime> lease_until;
  std::unique_ptr<Job> job;  // null: a quick function, or none was found
  std::uint64_t last_input_seq = 0;
  std::optional<Progress> progress;      // the last one
  std::optional<InputRequest> question;  // the open one
  std::optional<Report> final;           // its end, until that was taken
  bool lost = false;                     // it is another's now: its end is nobody's business
  bool killed = false;                   // by a stop() that would not wait
  std::int64_t pause_ms = 50;
  std::unique_ptr<Alarm> alarm;
};

}  // namespace tandem::worker
