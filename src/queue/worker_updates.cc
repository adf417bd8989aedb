#include <algorithm>
#include <utility>

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

// By a server that is dead, as far as is known: one that lives would have given it.
Error held_elsewhere() {
  return fail(Errc::store_unavailable, "The task's server is gone; another one takes it over");
}

// A question that is told again, by one who has not heard yet what was answered.
bool is_answered(const Update& command, std::uint64_t next_input_seq) {
  return command.kind == UpdateKind::waiting_for_input && command.asked_behind &&
         *command.asked_behind + 1 < next_input_seq;
}

// The answer to a final update may have been lost: the same one again is no error.
Result<UpdateAnswer> repeated_final(const Update& command, const Task& task, WallTime now) {
  const bool same = is_final(command.kind) && task.worker_id == command.worker_id &&
                    task.attempt == command.attempt && task.status == final_status(command.kind);
  if (!same) return fail(Errc::stale_attempt, "The attempt is not leased to this worker");
  return UpdateAnswer{.status = task.status,
                      .cancel_requested = task.cancel_requested,
                      .lease_expires_at = now,
                      .input = {}};
}

void note(Update& command, Task& task, WallTime now) {
  task.updated_at = now;
  if (command.progress) task.progress = std::move(*command.progress);
  if (command.log) task.log = *command.log;
  if (!is_final(command.kind)) return;
  task.exit_code = command.exit_code;
  task.signal = command.signal;
  task.result = std::move(command.result);
  if (command.outputs) task.outputs = std::move(*command.outputs);
}

}  // namespace

void Dispatcher::apply(Outbox* outbox, Update& command) {
  if (peers_.wait_for_tasks(outbox, command)) return;
  turn_.outgoing.answer(outbox, command.done, update(command));
}

Result<UpdateAnswer> Dispatcher::update(Update& command) {
  auto found = tasks_.load(command.task_id);
  if (!found) return found.error();
  if (*found == nullptr) return fail(Errc::stale_attempt, "There is no such task");
  Entry& entry = **found;
  if (!is_current(*entry.task, command.worker_id, command.attempt))
    return repeated_final(command, *entry.task, turn_.now);
  if (!entry.task->held_by.is_nil()) return held_elsewhere();
  if (auto changed = change_status(command, entry); !changed) return changed.error();
  renew(entry);
  auto value = answer_of(entry, command.input_seq);
  if (!is_leased(entry.task->status)) ended(entry);
  return value;
}

Result<void> Dispatcher::change_status(Update& command, Entry& entry) {
  const TaskStatus from = entry.task->status;
  if (command.kind == UpdateKind::waiting_for_input && from != TaskStatus::running &&
      from != TaskStatus::waiting_for_input)
    return fail(Errc::illegal_transition, "Only a running task can wait for input");
  if (command.kind == UpdateKind::waiting_for_input && entry.dirty &&
      entry.guard_status == TaskStatus::assigned)
    return fail(Errc::conflict, "The task is changing at this moment; try again");
  if (is_answered(command, entry.next_input_seq)) command.kind = UpdateKind::progress;
  const bool silent = command.kind == UpdateKind::progress && !command.progress && !command.log;
  const bool repeated =
      command.kind == UpdateKind::running && from == TaskStatus::running && !command.progress;
  if (silent || repeated) return {};
  Task& task = tasks_.edit(entry);
  note(command, task, turn_.now);
  // What ends at once need not be accepted before.
  if (is_final(command.kind) && from == TaskStatus::assigned) accept(task, turn_.now);
  switch (command.kind) {
    case UpdateKind::progress: break;
    case UpdateKind::running:
      if (from == TaskStatus::assigned) {
        accept(task, turn_.now);
      } else if (from == TaskStatus::waiting_for_input) {
        task.status = TaskStatus::running;
        task.input_request.reset();
      }
      break;
    case UpdateKind::waiting_for_input:
      task.status = TaskStatus::waiting_for_input;
      task.input_request = std::move(command.input_request);
      break;
    case UpdateKind::completed: complete(task, turn_.now); break;
    case UpdateKind::failed:
      fail_attempt(task, command.error.value_or(TaskError{"failed", ""}), turn_.now);
      break;
    case UpdateKind::cancelled: tandem::cancel(task, turn_.now); break;
    case UpdateKind::released: release(task, turn_.now); break;
  }
  return {};
}

void Dispatcher::renew(Entry& entry) {
  const WorkerId id = entry.task->worker_id;
  if (id == settings_.embedded_worker || !is_leased(entry.task->status)) return;
  sightings_.see(id, turn_.now);
  if (entry.task->status == TaskStatus::assigned) return;  // only acceptance makes it a lease
  set_deadline(entry, turn_.mono + settings_.lease_ms);
}

void Dispatcher::set_deadline(Entry& entry, MonoTime deadline) {
  const MonoTime before = std::exchange(entry.deadline, deadline);
  if (deadline < before) deadlines_.add(deadline, entry.task->task_id);
}

// `input_seq`: the last piece of input that the worker has; none: it does not ask for any.
Result<UpdateAnswer> Dispatcher::answer_of(Entry& entry, std::optional<std::uint64_t> input_seq) {
  const Task& task = *entry.task;
  UpdateAnswer value{.status = task.status,
                     .cancel_requested = task.cancel_requested,
                     .lease_expires_at = turn_.now + settings_.lease_ms,
                     .input = {}};
  if (!input_seq) return value;
  entry.input_seq = std::max(entry.input_seq, *input_seq);
  const std::uint64_t last = entry.next_input_seq - 1;
  if (entry.input_seq < last) {
    auto pieces = store_.load_inputs(task.task_id, task.attempt, entry.input_seq);
    if (!pieces) return pieces.error();
    value.input = std::move(*pieces);
  }
  for (const store::InputPiece& piece :
       turn_.batch.inputs)  // of this very turn: not in the store yet
    if (piece.task_id == task.task_id && piece.attempt == task.attempt &&
        piece.seq > entry.input_seq)
      value.input.push_back(piece);
  entry.has_news = false;
  return value;
}

Result<Entry*> Dispatcher::leased(WorkerId worker, const Lease& lease) {
  Entry* entry = tasks_.find(lease.task_id);
  if (entry == nullptr || !is_current(*entry->task, worker, lease.attempt))
    return fail(Errc::stale_attempt, "The attempt is not leased to this worker");
  if (!entry->task->held_by.is_nil()) return held_elsewhere();
  renew(*entry);
  return entry;
}

void Dispatcher::apply(Outbox* outbox, Heartbeat& command) {
  if (peers_.wait_for_tasks(outbox, command)) return;
  HeartbeatAnswer answer;
  for (const Lease& lease : command.leases) {
    const auto entry = leased(command.worker_id, lease);
    if (!entry) {
      constexpr bool kRenewsLost = kMutant == Mutant::heartbeat_renews_lost_lease;
      if (entry.error().code == Errc::stale_attempt)
        (kRenewsLost ? answer.renewed : answer.lost).push_back(lease);
      continue;
    }
    if ((*entry)->task->status != TaskStatus::assigned) answer.renewed.push_back(lease);
    const auto news = answer_of(**entry, lease.input_seq);
    if (!news) continue;
    for (const store::InputPiece& piece : news->input) tell(**entry, piece);
    if (news->cancel_requested) tell(**entry, CancelOrder{lease.task_id, lease.attempt});
  }
  turn_.outgoing.answer(outbox, command.done, Result<HeartbeatAnswer>(std::move(answer)));
}

void Dispatcher::apply(Outbox* outbox, CheckLease& command) {
  if (peers_.wait_for_tasks(outbox, command)) return;
  const auto entry = leased(command.worker_id, command.lease);
  turn_.outgoing.answer(outbox, command.done,
                        entry ? Result<TaskPtr>(TaskTable::share(**entry)) : entry.error());
}

void Dispatcher::apply(Outbox* outbox, AddOutput& command) {
  if (peers_.wait_for_tasks(outbox, command)) return;
  const auto entry = leased(command.worker_id, command.lease);
  if (!entry) return turn_.outgoing.answer(outbox, command.done, Result<TaskPtr>(entry.error()));
  std::vector<FileInfo>& outputs = tasks_.edit(**entry).outputs;
  std::erase_if(outputs, [&](const FileInfo& file) { return file.name == command.file.name; });
  outputs.push_back(std::move(command.file));
  turn_.outgoing.answer(outbox, command.done, Result<TaskPtr>(TaskTable::share(**entry)));
}

}  // namespace tandem::queue
