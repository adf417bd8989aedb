#include "core/attempt.h"
#include "queue/dispatcher.h"
#include "queue/mutant.h"

namespace tandem::queue {
namespace {

TaskStatus final_status(UpdateKind kind) {
  if (kind == UpdateKind::completed) return TaskStatus::completed;
  return kind == UpdateKind::failed ? TaskStatus::failed : TaskStatus::cancelled;
}

bool is_final(UpdateKind kind) {
  return kind == UpdateKind::completed || kind == UpdateKind::failed ||
         kind == UpdateKind::cancelled;
}

bool is_current(const Task& task, WorkerId worker, std::uint32_t attempt) {
  if constexpr (kMutant == Mutant::no_attempt_check) return is_leased(task.status);
  return is_leased(task.status) && task.worker_id == worker && task.attempt == attempt;
}

}  // namespace

void Dispatcher::apply(Outbox* outbox, OpenWorker& command) {
  const WorkerId id = command.profile.worker_id;
  workers_[id] = Worker{
      .profile = std::move(command.profile), .outbox = outbox, .order = std::move(command.order)};
  offer_again(id);
  answer(outbox, command.done, Result<std::monostate>(std::monostate{}));
}

void Dispatcher::apply(Outbox*, Ready& command) {
  const auto worker = workers_.find(command.worker_id);
  if (worker != workers_.end()) worker->second.slots_free += command.slots;
}

void Dispatcher::apply(Outbox*, CloseWorker& command) { workers_.erase(command.worker_id); }

void Dispatcher::apply(Outbox* outbox, Update& command) {
  answer(outbox, command.done, update(command));
}

Result<UpdateAnswer> Dispatcher::update(Update& command) {
  auto found = tasks_.load(command.task_id);
  if (!found) return found.error();
  if (*found == nullptr) return fail(Errc::stale_attempt, "There is no such task");
  Entry& entry = **found;
  if (!is_current(*entry.task, command.worker_id, command.attempt))
    return repeated_final(command, *entry.task);
  if (auto changed = change_status(command, entry); !changed) return changed.error();
  renew(entry);
  const UpdateAnswer value = answer_of(entry);
  if (!is_leased(entry.task->status)) ended(entry);
  return value;
}

// The answer to a final update may have been lost: the same one again is no error.
Result<UpdateAnswer> Dispatcher::repeated_final(const Update& command, const Task& task) const {
  const bool same = is_final(command.kind) && task.worker_id == command.worker_id &&
                    task.attempt == command.attempt && task.status == final_status(command.kind);
  if (!same) return fail(Errc::stale_attempt, "The attempt is not leased to this worker");
  return UpdateAnswer{
      .status = task.status, .cancel_requested = task.cancel_requested, .lease_expires_at = now_};
}

Result<void> Dispatcher::change_status(Update& command, Entry& entry) {
  const TaskStatus from = entry.task->status;
  if (command.kind == UpdateKind::waiting_for_input && from != TaskStatus::running &&
      from != TaskStatus::waiting_for_input)
    return fail(Errc::illegal_transition, "Only a running task can wait for input");
  const bool silent = command.kind == UpdateKind::progress && !command.progress && !command.log;
  const bool repeated = command.kind == UpdateKind::running && from == TaskStatus::running;
  if (silent || repeated) return {};
  Task& task = tasks_.edit(entry);
  note(command, task);
  switch (command.kind) {
    case UpdateKind::progress: break;
    case UpdateKind::running:
      if (from == TaskStatus::assigned) {
        accept(task, now_);
      } else {
        task.status = TaskStatus::running;
        task.input_request.reset();
      }
      break;
    case UpdateKind::waiting_for_input:
      task.status = TaskStatus::waiting_for_input;
      task.input_request = std::move(command.input_request);
      break;
    case UpdateKind::completed: complete(task, now_); break;
    case UpdateKind::failed:
      fail_attempt(task, command.error.value_or(TaskError{"failed", ""}), now_);
      break;
    case UpdateKind::cancelled: tandem::cancel(task, now_); break;
    case UpdateKind::released: release(task, now_); break;
  }
  return {};
}

void Dispatcher::note(Update& command, Task& task) const {
  task.updated_at = now_;
  if (command.progress) task.progress = std::move(*command.progress);
  if (command.log) task.log = *command.log;
  if (!is_final(command.kind)) return;
  task.exit_code = command.exit_code;
  task.signal = command.signal;
  task.result = std::move(command.result);
  task.outputs = std::move(command.outputs);
}

void Dispatcher::renew(Entry& entry) {
  const auto worker = workers_.find(entry.task->worker_id);
  const bool in_process = worker != workers_.end() && worker->second.profile.in_process;
  if (in_process || !is_leased(entry.task->status)) return;
  if (entry.task->status == TaskStatus::assigned) return;  // only acceptance makes it a lease
  const MonoTime before = entry.deadline;
  entry.deadline = mono_ + settings_.lease_ms;
  if (entry.deadline < before) deadlines_.add(entry.deadline, entry.task->task_id);
}

UpdateAnswer Dispatcher::answer_of(const Entry& entry) const {
  return {.status = entry.task->status,
          .cancel_requested = entry.task->cancel_requested,
          .lease_expires_at = now_ + settings_.lease_ms};
}

void Dispatcher::apply(Outbox* outbox, Heartbeat& command) {
  std::vector<Lease> lost;
  for (const Lease& lease : command.leases) {
    Entry* entry = tasks_.find(lease.task_id);
    const bool current =
        entry != nullptr && is_current(*entry->task, command.worker_id, lease.attempt);
    if (current)
      renew(*entry);
    else
      lost.push_back(lease);
  }
  answer(outbox, command.done, Result<std::vector<Lease>>(std::move(lost)));
}

}  // namespace tandem::queue
