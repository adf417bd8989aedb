#include <utility>

#include "queue/dispatcher.h"

// What clients ask of tasks that another server holds, and how they watch them.
namespace tandem::queue {
namespace {

constexpr std::int64_t kAnswerMs = 5000;       // for a letter there and one back
constexpr std::int64_t kRemovalMs = 3600'000;  // and for a job to end
constexpr std::size_t kMaxLooked = 500;

}  // namespace

// Nil: this one's, or there is no such task for this actor.
ServerId Peers::holder_for(const Actor& actor, TaskId id) {
  if (store_ == nullptr) return {};
  const auto found = dispatcher_.owned(actor, id);
  return found ? (*found)->task->held_by : ServerId();
}

Result<TaskPtr> Peers::image_of(TaskId id) {
  auto entry = dispatcher_.tasks_.load(id);
  if (!entry) return entry.error();
  if (*entry == nullptr) return fail(Errc::not_found, "There is no such task");
  return TaskTable::share(**entry);
}

void Peers::ask(ServerId holder, wire::TaskAsk ask, std::int64_t wait_ms, Resolve resolve) {
  if (!alive_.contains(holder))
    return resolve(fail(Errc::store_unavailable,
                        "The server that held the task is gone; another one takes it over"));
  ask.number = asks_.add(dispatcher_.turn_.mono + wait_ms, std::move(resolve));
  write(holder, ask);
}

// The answer to all but a cancel: the task as it is afterwards.
template <class Command>
bool Peers::pass_on(Outbox* outbox, Command& command, wire::TaskAsk what) {
  const ServerId holder = holder_for(command.actor, command.task_id);
  if (holder.is_nil()) return false;
  what.client_id = command.actor.client_id;
  what.admin = command.actor.admin;
  what.task_id = command.task_id;
  const bool is_removal = what.kind == wire::AskKind::remove;
  const Result<TaskPtr> before = image_of(command.task_id);
  ask(holder, std::move(what), is_removal ? kRemovalMs : kAnswerMs,
      [this, outbox, done = std::move(command.done), id = command.task_id, before,
       is_removal](const Result<wire::TaskAnswer>& answer) mutable {
        Result<TaskPtr> value = is_removal ? before : Result<TaskPtr>(answer.error());
        if (!answer) {
          value = answer.error();
        } else if (!is_removal) {
          value = image_of(id);
        }
        dispatcher_.turn_.outgoing.answer(outbox, done, std::move(value));
      });
  return true;
}

bool Peers::pass_on(Outbox* outbox, Cancel& command) {
  const ServerId holder = holder_for(command.actor, command.task_id);
  if (holder.is_nil()) return false;
  wire::TaskAsk what{.kind = wire::AskKind::cancel,
                     .client_id = command.actor.client_id,
                     .admin = command.actor.admin,
                     .task_id = command.task_id};
  ask(holder, std::move(what), kAnswerMs,
      [this, outbox, done = std::move(command.done),
       id = command.task_id](const Result<wire::TaskAnswer>& answer) mutable {
        const auto value = [&]() -> Result<Cancelled> {
          if (!answer) return answer.error();
          auto image = image_of(id);
          if (!image) return image.error();
          return Cancelled{.task = std::move(*image), .was_started = answer->was_started};
        };
        dispatcher_.turn_.outgoing.answer(outbox, done, value());
      });
  return true;
}

bool Peers::pass_on(Outbox* outbox, Input& command) {
  return pass_on(outbox, command,
                 wire::TaskAsk{.kind = wire::AskKind::input,
                               .data = command.data,
                               .request_id = command.request_id,
                               .eof = command.eof});
}

bool Peers::pass_on(Outbox* outbox, Resize& command) {
  return pass_on(
      outbox, command,
      wire::TaskAsk{.kind = wire::AskKind::resize, .cols = command.cols, .rows = command.rows});
}

bool Peers::pass_on(Outbox* outbox, Remove& command) {
  return pass_on(outbox, command,
                 wire::TaskAsk{.kind = wire::AskKind::remove, .force = command.force});
}

// Runs when the commit that did what was asked is over; the answer goes with the next one. Where
// the commit failed the letter is still there, and is read again.
template <class T>
Done<T> Peers::answer_to(ServerId from, std::uint64_t number) {
  return [this, from, number](Result<T> result) {
    wire::TaskAnswer answer{.number = number};
    if constexpr (std::is_same_v<T, Cancelled>) answer.was_started = result && result->was_started;
    if (!result) {
      if (row_of(result.error().code).http_status >= 500) return;
      answer.error = result.error();
    }
    owed_.push_back({.to = from, .text = wire::encode_letter(answer)});
  };
}

Result<void> Peers::read(ServerId from, wire::TaskAsk& ask) {
  const Actor actor{.client_id = ask.client_id, .admin = ask.admin};
  const std::uint64_t number = ask.number;
  const ServerId holder = holder_for(actor, ask.task_id);
  if (!holder.is_nil()) {  // it has moved meanwhile
    const wire::TaskAnswer moved{
        .number = number, .error = fail(Errc::store_unavailable, "The task has moved; try again")};
    write(from, moved);
    return {};
  }
  Command command{.outbox = &own_, .what = Cancel()};
  switch (ask.kind) {
    case wire::AskKind::cancel:
      command.what = Cancel{actor, ask.task_id, answer_to<Cancelled>(from, number)};
      break;
    case wire::AskKind::input:
      command.what = Input{.actor = actor,
                           .task_id = ask.task_id,
                           .data = std::move(ask.data),
                           .eof = ask.eof,
                           .request_id = std::move(ask.request_id),
                           .done = answer_to<TaskPtr>(from, number)};
      break;
    case wire::AskKind::resize:
      command.what =
          Resize{actor, ask.task_id, ask.cols, ask.rows, answer_to<TaskPtr>(from, number)};
      break;
    case wire::AskKind::remove:
      command.what = Remove{actor, ask.task_id, ask.force, answer_to<TaskPtr>(from, number)};
      break;
  }
  dispatcher_.apply(command);
  return {};
}

Result<void> Peers::read(ServerId, wire::TaskAnswer& answer) {
  dispatcher_.tasks_.forget_foreign();  // they are as they were before
  asks_.answered(answer.number, answer.error ? Result<wire::TaskAnswer>(*answer.error) : answer);
  return {};
}

// So that of two servers that are asked for the same at once, one sees what the other has done.
Result<void> Peers::lock_keys(const Submit& command) {
  if (!any()) return {};
  std::set<std::string> keys;  // in one order for all servers
  if (!command.idempotency_key.empty()) keys.insert("idempotency " + command.idempotency_key);
  for (const NewTask& task : command.tasks)
    if (!task.spec.unique_key.empty()) keys.insert("unique " + task.spec.unique_key);
  if (keys.empty()) return {};
  if (auto begun = dispatcher_.begin(); !begun) return begun;
  for (const std::string& key : keys)
    if (auto locked = store_->lock_key(command.client_id, key); !locked) return locked;
  return {};
}

void Peers::watch(const Entry& entry) {
  const ServerId holder = entry.task->held_by;
  if (alive_.contains(holder)) to_watch_[holder].push_back(entry.task->task_id);
}

Result<void> Peers::read(ServerId from, wire::TasksWatched& watched) {
  for (const TaskId& id : watched.tasks) {
    const auto entry = dispatcher_.tasks_.load(id);
    if (!entry) return entry.error();
    const Task* task = *entry == nullptr ? nullptr : (*entry)->task.get();
    const bool is_ours = task != nullptr && task->held_by.is_nil() && !is_terminal(task->status);
    if (is_ours) watched_elsewhere_[id].insert(from);
    changed_[from].push_back(id);  // it may have changed before this letter
  }
  return {};
}

Result<void> Peers::read(ServerId from, wire::TasksChanged& changed) {
  dispatcher_.tasks_.forget_foreign();
  for (const TaskId& id : changed.tasks) {
    if (!dispatcher_.watchers_.has(id)) continue;
    auto entry = dispatcher_.tasks_.load(id);
    if (!entry) return entry.error();
    if (*entry != nullptr && (*entry)->task->held_by != from) watch(**entry);
    dispatcher_.watchers_.tell(id, *entry == nullptr ? nullptr : TaskTable::share(**entry),
                               dispatcher_.turn_.outgoing);
  }
  return {};
}

void Peers::tell_watchers_elsewhere() {
  if (!watched_elsewhere_.empty()) {
    for (const TaskId& id : dispatcher_.tasks_.touched()) {
      const auto found = watched_elsewhere_.find(id);
      if (found == watched_elsewhere_.end()) continue;
      for (const ServerId& server : found->second)
        if (alive_.contains(server)) changed_[server].push_back(id);
      const Entry* entry = dispatcher_.tasks_.find(id);
      const bool is_ours = entry != nullptr && entry->task->held_by.is_nil();
      if (!is_ours || is_terminal(entry->task->status)) watched_elsewhere_.erase(found);
    }
  }
  for (auto& [server, tasks] : std::exchange(changed_, {}))
    write(server, wire::TasksChanged{std::move(tasks)});
  for (auto& [server, tasks] : std::exchange(to_watch_, {}))
    write(server, wire::TasksWatched{std::move(tasks)});
}

// Behind the letters: what is watched here and held elsewhere is read from time to time.
Result<void> Peers::look_at_watched() {
  std::vector<TaskId> ids;
  if (any())
    for (const TaskId& id : dispatcher_.watchers_.tasks()) {
      const Entry* entry = dispatcher_.tasks_.find(id);
      if (entry == nullptr && ids.size() < kMaxLooked) ids.push_back(id);
    }
  if (ids.empty()) {
    seen_.clear();
    return {};
  }
  auto rows = dispatcher_.store_.load(ids);
  if (!rows) return rows.error();
  std::unordered_map<TaskId, Seen> now;
  for (Task& task : *rows) {
    const Seen seen{task.updated_at, task.status};
    const auto before = seen_.find(task.task_id);
    now.emplace(task.task_id, seen);
    if (before != seen_.end() && before->second == seen) continue;
    const TaskId id = task.task_id;
    dispatcher_.watchers_.tell(id, std::make_shared<const Task>(std::move(task)),
                               dispatcher_.turn_.outgoing);
  }
  for (const TaskId& id : ids)
    if (!now.contains(id)) dispatcher_.watchers_.tell(id, nullptr, dispatcher_.turn_.outgoing);
  seen_ = std::move(now);
  return {};
}

}  // namespace tandem::queue
