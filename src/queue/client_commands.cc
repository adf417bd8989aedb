#include <algorithm>

#include "base/limits.h"
#include "core/attempt.h"
#include "queue/dispatcher.h"

namespace tandem::queue {

void Dispatcher::apply(Outbox* outbox, Submit& command) {
  turn_.outgoing.answer(outbox, command.done, submit(command));
}

Result<Submitted> Dispatcher::submit(Submit& command) {
  if (auto alone = peers_.lock_keys(command); !alone) return alone.error();
  auto before = replay(command);
  if (!before) return before.error();
  if (*before) return std::move(**before);
  Submitted value;
  for (NewTask& asked : command.tasks) {
    const auto twin = same_unique_key(command, asked.spec.unique_key);
    if (!twin) return twin.error();
    if (*twin) {
      auto entry = tasks_.load(**twin);
      if (!entry) return entry.error();
      value.replayed = true;
      value.tasks.push_back(TaskTable::share(**entry));
      continue;
    }
    Task task = make_task(asked.task_id, command.client_id, std::move(asked.spec), turn_.now);
    task.inputs = std::move(asked.inputs);
    Entry& entry = tasks_.insert(std::move(task));
    value.tasks.push_back(TaskTable::share(entry));
    const Task& made = *entry.task;
    if (made.status == TaskStatus::scheduled)
      next_due_ = std::min(next_due_.value_or(*made.run_at), *made.run_at);
    else
      queue_up(entry);
    if (const auto& timeout = made.spec.queue_timeout_ms; timeout && made.queued_at)
      next_queue_expiry_ =
          std::min(next_queue_expiry_.value_or(turn_.now + *timeout), turn_.now + *timeout);
  }
  if (!command.idempotency_key.empty()) {
    store::IdempotencyRow row{.client_id = command.client_id,
                              .key = command.idempotency_key,
                              .body_sha256 = command.body_sha256,
                              .tasks = {},
                              .created_at = turn_.now};
    for (const TaskPtr& task : value.tasks) row.tasks.push_back(task->task_id);
    turn_.batch.idempotency.push_back(std::move(row));
  }
  return value;
}

// The answer of an earlier submission with this idempotency key, in this turn or before.
Result<std::optional<Submitted>> Dispatcher::replay(const Submit& command) {
  if (command.idempotency_key.empty()) return std::optional<Submitted>();
  const auto same = [&](const store::IdempotencyRow& row) {
    return row.client_id == command.client_id && row.key == command.idempotency_key;
  };
  std::optional<store::IdempotencyRow> row;
  const auto here =
      std::find_if(turn_.batch.idempotency.begin(), turn_.batch.idempotency.end(), same);
  if (here != turn_.batch.idempotency.end()) {
    row = *here;
  } else {
    auto found = store_.find_idempotency(command.client_id, command.idempotency_key);
    if (!found) return found.error();
    row = std::move(*found);
  }
  if (!row || turn_.now - row->created_at > limits::kIdempotencyTtlMs)
    return std::optional<Submitted>();
  if (row->body_sha256 != command.body_sha256)
    return fail(Errc::idempotency_key_reused, "The Idempotency-Key was used with another body");
  Submitted value{.tasks = {}, .replayed = true};
  for (TaskId id : row->tasks) {
    auto entry = tasks_.load(id);
    if (!entry) return entry.error();
    if (*entry != nullptr) value.tasks.push_back(TaskTable::share(**entry));
  }
  return std::optional(std::move(value));
}

Result<std::optional<TaskId>> Dispatcher::same_unique_key(const Submit& command,
                                                          const std::string& key) {
  if (key.empty()) return std::optional<TaskId>();
  for (TaskId id : tasks_.touched()) {
    Entry* entry = tasks_.find(id);
    if (entry == nullptr || is_terminal(entry->task->status)) continue;
    if (entry->task->client_id == command.client_id && entry->task->spec.unique_key == key)
      return std::optional(id);
  }
  auto found = store_.find_unique(command.client_id, key);
  if (!found || !*found) return found;
  auto entry = tasks_.load(**found);
  if (!entry) return entry.error();
  if (*entry == nullptr || is_terminal((*entry)->task->status)) return std::optional<TaskId>();
  return found;
}

// The task, where it is there and the actor's; else not_found, the same for both.
Result<Entry*> Dispatcher::owned(const Actor& actor, TaskId id) {
  auto entry = tasks_.load(id);
  if (!entry) return entry.error();
  if (*entry == nullptr || (!actor.admin && (*entry)->task->client_id != actor.client_id))
    return fail(Errc::not_found, "There is no such task");
  return entry;
}

void Dispatcher::apply(Outbox* outbox, Cancel& command) {
  if (peers_.pass_on(outbox, command)) return;
  turn_.outgoing.answer(outbox, command.done, cancel(command));
}

Result<Cancelled> Dispatcher::cancel(const Cancel& command) {
  auto found = owned(command.actor, command.task_id);
  if (!found) return found.error();
  Entry& entry = **found;
  if (is_terminal(entry.task->status))
    return fail(Errc::already_finished,
                "The task is " + std::string(to_string(entry.task->status)) + " already");
  if (entry.dirty && is_terminal(entry.guard_status))
    return fail(Errc::conflict, "The task is changing at this moment; try again");
  Cancelled value;
  value.was_started = may_have_started(*entry.task);
  ask_to_stop(entry);
  value.task = TaskTable::share(entry);
  return value;
}

// What was not started never will be; what runs is told to stop.
void Dispatcher::ask_to_stop(Entry& entry) {
  unqueue(entry);
  const TaskStatus status = entry.task->status;
  if (status == TaskStatus::assigned) {
    order(entry.task->worker_id, LostOrder{entry.task->task_id, entry.task->attempt});
    held_.remove(*entry.task);
  }
  if (status == TaskStatus::running || status == TaskStatus::waiting_for_input) {
    tell(entry, CancelOrder{entry.task->task_id, entry.task->attempt});
    if (entry.task->cancel_requested) return;
    Task& task = tasks_.edit(entry);
    task.cancel_requested = true;
    task.updated_at = turn_.now;
    return;
  }
  Task& task = tasks_.edit(entry);
  task.cancel_requested = true;
  tandem::cancel(task, turn_.now);
}

void Dispatcher::apply(Outbox* outbox, Retry& command) {
  turn_.outgoing.answer(outbox, command.done, retry(command));
}

Result<TaskPtr> Dispatcher::retry(const Retry& command) {
  auto found = owned(command.actor, command.task_id);
  if (!found) return found.error();
  Entry& entry = **found;
  if (!is_terminal(entry.task->status))
    return fail(Errc::task_active, "Only a finished task can be retried");
  if (entry.dirty) return fail(Errc::conflict, "The task is changing at this moment; try again");
  tandem::retry(tasks_.edit(entry), turn_.now);
  queue_up(entry);
  if (const auto& timeout = entry.task->spec.queue_timeout_ms)
    next_queue_expiry_ =
        std::min(next_queue_expiry_.value_or(turn_.now + *timeout), turn_.now + *timeout);
  return TaskTable::share(entry);
}

void Dispatcher::apply(Outbox* outbox, Remove& command) {
  if (peers_.pass_on(outbox, command)) return;
  auto found = owned(command.actor, command.task_id);
  if (!found) return turn_.outgoing.answer(outbox, command.done, Result<TaskPtr>(found.error()));
  Entry& entry = **found;
  const bool active = !is_terminal(entry.task->status);
  if (active && !command.force)
    return turn_.outgoing.answer(
        outbox, command.done,
        Result<TaskPtr>(fail(Errc::task_active, "Cancel the task first, or use force")));
  if (active) ask_to_stop(entry);
  if (!is_terminal(entry.task->status)) {
    entry.removals.emplace_back(outbox, std::move(command.done));
    return;
  }
  turn_.outgoing.answer(outbox, command.done, Result<TaskPtr>(TaskTable::share(entry)));
  tasks_.remove(entry);
}

void Dispatcher::apply(Outbox* outbox, Input& command) {
  if (peers_.pass_on(outbox, command)) return;
  turn_.outgoing.answer(outbox, command.done, input(command));
}

Result<TaskPtr> Dispatcher::input(Input& command) {
  auto found = owned(command.actor, command.task_id);
  if (!found) return found.error();
  Entry& entry = **found;
  const Task& task = *entry.task;
  const bool asked = task.status == TaskStatus::waiting_for_input;
  const bool open = asked || (task.status == TaskStatus::running && task.spec.interactive);
  if (!open) return fail(Errc::not_waiting, "The task does not wait for input");
  if (!command.request_id.empty() &&
      (!task.input_request || task.input_request->request_id != command.request_id))
    return fail(Errc::not_waiting, "The task does not wait for an answer to this request");
  store::InputPiece piece{.task_id = task.task_id,
                          .attempt = task.attempt,
                          .seq = entry.next_input_seq++,
                          .data = std::move(command.data),
                          .eof = command.eof};
  if (asked) {  // answered: a second answer to the same question is not_waiting
    Task& edited = tasks_.edit(entry);
    edited.status = TaskStatus::running;
    edited.input_request.reset();
    edited.updated_at = turn_.now;
  }
  tell(entry, piece);
  turn_.batch.inputs.push_back(std::move(piece));
  return TaskTable::share(entry);
}

void Dispatcher::apply(Outbox* outbox, Resize& command) {
  if (peers_.pass_on(outbox, command)) return;
  const auto resize = [&]() -> Result<TaskPtr> {
    auto found = owned(command.actor, command.task_id);
    if (!found) return found.error();
    Entry& entry = **found;
    if (!is_leased(entry.task->status) || !entry.task->spec.interactive)
      return fail(Errc::not_waiting, "The task has no terminal now");
    order(entry.task->worker_id,
          ResizeOrder{entry.task->task_id, entry.task->attempt, command.cols, command.rows});
    return TaskTable::share(entry);
  };
  turn_.outgoing.answer(outbox, command.done, resize());
}

void Dispatcher::apply(Outbox* outbox, Watch& command) {
  auto found = owned(command.actor, command.task_id);
  if (!found) return turn_.outgoing.answer(outbox, command.done, Result<TaskPtr>(found.error()));
  watchers_.add(outbox, command);
  peers_.watch(**found);
  turn_.outgoing.answer(outbox, command.done, Result<TaskPtr>(TaskTable::share(**found)));
}

void Dispatcher::apply(Outbox*, Unwatch& command) { watchers_.remove(command); }

void Dispatcher::apply(Outbox* outbox, Transact& command) {
  if (command.is_announced) peers_.tell_all(wire::AccountsChanged());
  turn_.transactions.emplace_back(outbox, std::move(command));
}

// Within the transaction, so that no other server revives what goes.
void Dispatcher::apply(Outbox* outbox, Purge& command) {
  const auto purge = [&]() -> Result<std::vector<TaskId>> {
    if (auto begun = begin(); !begun) return begun.error();
    auto ids = store_.load_finished_before(command.finished_before, command.limit);
    if (!ids) return ids.error();
    auto rows = store_.load(*ids);
    if (!rows) return rows.error();
    std::vector<TaskId> removed;
    for (Task& row : *rows) {
      Entry* entry = tasks_.admit(std::move(row));
      if (entry == nullptr || entry->dirty || !is_terminal(entry->task->status)) continue;
      tasks_.remove(*entry);
      removed.push_back(entry->task->task_id);
    }
    return removed;
  };
  turn_.outgoing.answer(outbox, command.done, purge());
}

void Dispatcher::apply(Outbox* outbox, ExpireIdempotency& command) {
  if (turn_.begun)  // it is a transaction of its own: another time
    return turn_.outgoing.answer(outbox, command.done, Result<std::int64_t>(0));
  turn_.outgoing.answer(outbox, command.done,
                        store_.expire_idempotency(command.before, command.limit));
}

void Dispatcher::apply(Outbox* outbox, WatchCallbacks& command) {
  watchers_.set_callbacks(outbox, std::move(command));
}

void Dispatcher::apply(Outbox* outbox, CallbackTried& command) {
  turn_.batch.callback_tries.push_back(command.made);
  turn_.outgoing.answer(outbox, command.done, Result<std::monostate>());
}

}  // namespace tandem::queue
