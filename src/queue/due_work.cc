#include "core/attempt.h"
#include "queue/dispatcher.h"
#include "queue/mutant.h"

namespace tandem::queue {
namespace {

constexpr int kDueBatch = 500;  // bounds the length of a turn; the next one goes on

}  // namespace

// Before the turn's commands, while memory and rows agree.
Result<void> Dispatcher::do_what_is_due() {
  if (next_due_ && *next_due_ <= turn_.now)
    if (auto done = promote_scheduled(); !done) return done;
  if (next_queue_expiry_ && *next_queue_expiry_ <= turn_.now) return fail_queue_expired();
  return {};
}

Result<void> Dispatcher::promote_scheduled() {
  auto due = store_.load_due(turn_.now, kDueBatch);
  if (!due) return due.error();
  for (const Task& row : *due) {
    auto entry = tasks_.load(row.task_id);
    if (!entry) return entry.error();
    become_pending(tasks_.edit(**entry), turn_.now);
    queue_up(**entry);
    if (const auto& timeout = row.spec.queue_timeout_ms)
      next_queue_expiry_ =
          std::min(next_queue_expiry_.value_or(turn_.now + *timeout), turn_.now + *timeout);
  }
  // Rows are still as before this turn's commit: the next turn looks again.
  auto next = due->empty() ? store_.next_due() : Result<std::optional<WallTime>>(turn_.now);
  if (!next) return next.error();
  next_due_ = *next;
  return {};
}

Result<void> Dispatcher::fail_queue_expired() {
  auto expired = store_.load_queue_expired(turn_.now, kDueBatch);
  if (!expired) return expired.error();
  for (const Task& row : *expired) {
    auto entry = tasks_.load(row.task_id);
    if (!entry) return entry.error();
    if (*entry == nullptr || (*entry)->task->status != TaskStatus::pending) continue;
    unqueue(**entry);
    Task& task = tasks_.edit(**entry);
    fail_attempt(task,
                 {std::string(error_code::kQueueTimeout),
                  "No worker took the task within its queue_timeout_s"},
                 turn_.now);
  }
  auto next =
      expired->empty() ? store_.next_queue_expiry() : Result<std::optional<WallTime>>(turn_.now);
  if (!next) return next.error();
  next_queue_expiry_ = *next;
  return {};
}

// Offers that were not accepted go back; leases that were not renewed are lost. After the turn's
// commands: what renews a lease may have waited in the inbox. The worker's poll ends with its
// lease: it may be as dead, and must not be given the next attempt.
void Dispatcher::expire_deadlines() {
  while (deadlines_.next() <= turn_.mono) {
    Entry* entry = tasks_.find(deadlines_.pop());
    if (entry == nullptr || !is_leased(entry->task->status)) continue;
    const bool renewed = entry->deadline > turn_.mono;
    if (renewed && kMutant != Mutant::expiry_by_id_only) {
      deadlines_.add(entry->deadline, entry->task->task_id);
      continue;
    }
    const WorkerId worker = entry->task->worker_id;
    order(worker, LostOrder{entry->task->task_id, entry->task->attempt});
    entry->deadline = kNever;
    const bool was_running = entry->task->status != TaskStatus::assigned;
    if (!was_running) {
      if constexpr (kMutant == Mutant::offer_not_returned) continue;
      release(tasks_.edit(*entry), turn_.now);
    } else {
      fail_attempt(tasks_.edit(*entry),
                   {std::string(error_code::kWorkerLost),
                    "The worker was lost: it stopped, or did not renew its lease"},
                   turn_.now);
    }
    ended(*entry);
    if (was_running) answer_poll(worker);  // whoever still waits for it asks again
  }
}

void Dispatcher::ended(Entry& entry) {
  Task const& task = *entry.task;
  held_.remove(task);
  if (!entry.removals.empty()) {
    for (auto& [outbox, done] : entry.removals)
      turn_.outgoing.answer(outbox, done, Result<TaskPtr>(TaskTable::share(entry)));
    entry.removals.clear();
    tasks_.remove(entry);
    return;
  }
  if (task.status == TaskStatus::pending) queue_up(entry);
  if (task.status == TaskStatus::scheduled)
    next_due_ = std::min(next_due_.value_or(*task.run_at), *task.run_at);
}

}  // namespace tandem::queue
