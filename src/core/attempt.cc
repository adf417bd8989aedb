#include "core/attempt.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"

namespace tandem {
namespace {

void move_to(Task& task, TaskStatus status, WallTime now) {
  TANDEM_ASSERT(may_follow(task.status, status));
  task.status = status;
  task.updated_at = now;
}

void leave_attempt(Task& task) { task.input_request.reset(); }

void clear_outcome(Task& task) {
  task.progress = {};
  task.result.clear();
  task.error.reset();
  task.exit_code.reset();
  task.signal.reset();
  task.outputs.clear();
  task.log = {};
  task.started_at.reset();
  task.finished_at.reset();
}

void finish(Task& task, TaskStatus status, WallTime now) {
  move_to(task, status, now);
  leave_attempt(task);
  task.finished_at = now;
}

}  // namespace

Task make_task(TaskId id, ClientId client, TaskSpec spec, WallTime now) {
  Task task;
  task.task_id = id;
  task.client_id = client;
  task.run_at = spec.run_at;
  if (spec.delay_ms) task.run_at = now + *spec.delay_ms;
  task.spec = std::move(spec);
  task.created_at = task.updated_at = now;
  if (task.run_at && *task.run_at > now) {
    task.status = TaskStatus::scheduled;
  } else {
    task.status = TaskStatus::pending;
    task.queued_at = now;
  }
  return task;
}

void become_pending(Task& task, WallTime now) {
  move_to(task, TaskStatus::pending, now);
  task.queued_at = now;
}

void assign(Task& task, WorkerId worker, std::string_view worker_name, WallTime now) {
  move_to(task, TaskStatus::assigned, now);
  ++task.attempt;
  clear_outcome(task);
  task.worker_id = worker;
  task.worker_name = worker_name;
  task.assigned_at = now;
}

void accept(Task& task, WallTime now) {
  move_to(task, TaskStatus::running, now);
  task.started_at = now;
}

void release(Task& task, WallTime now) {
  TANDEM_ASSERT(is_leased(task.status));  // the table lets a terminal task go to pending too
  ++task.first_attempt;
  leave_attempt(task);
  task.started_at.reset();
  if (task.cancel_requested) return finish(task, TaskStatus::cancelled, now);
  become_pending(task, now);
}

void complete(Task& task, WallTime now) {
  if (!task.started_at) task.started_at = now;
  finish(task, TaskStatus::completed, now);
}

void cancel(Task& task, WallTime now) { finish(task, TaskStatus::cancelled, now); }

void fail_attempt(Task& task, TaskError error, WallTime now) {
  const bool lost = error.code == error_code::kWorkerLost;
  if (lost) ++task.worker_losses;
  const bool lost_too_many = lost && task.worker_losses >= limits::kMaxWorkerLosses;
  const bool again = is_retryable(error.code) && attempts_left(task) && !lost_too_many;
  if (lost_too_many) {
    if (error.message.ends_with('.')) error.message.pop_back();
    error.message += ". The task has lost " + std::to_string(task.worker_losses) +
                     " workers and is not tried again.";
  }
  task.error = std::move(error);
  if (task.cancel_requested) return finish(task, TaskStatus::cancelled, now);
  if (!again) return finish(task, TaskStatus::failed, now);
  leave_attempt(task);
  move_to(task, TaskStatus::scheduled, now);
  task.run_at = now + task.spec.retry_delay_ms;
}

void retry(Task& task, WallTime now) {
  TANDEM_ASSERT(is_terminal(task.status));
  move_to(task, TaskStatus::pending, now);
  clear_outcome(task);
  task.first_attempt = task.attempt + 1;
  task.worker_losses = 0;
  task.cancel_requested = false;
  task.queued_at = now;
}

bool may_have_started(const Task& task) {
  return task.attempt > 1 || (task.attempt == 1 && task.status != TaskStatus::assigned);
}

bool attempts_left(const Task& task) {
  return task.attempt + 1 < task.first_attempt + static_cast<std::uint32_t>(task.spec.max_attempts);
}

bool is_retryable(std::string_view code) {
  return code != error_code::kNoHandler && code != error_code::kRejected &&
         code != error_code::kQueueTimeout;
}

}  // namespace tandem
