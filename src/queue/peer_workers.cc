#include <algorithm>
#include <utility>

#include "queue/dispatcher.h"
#include "queue/peer_times.h"

// How tasks go from server to server: after their worker, or to one that waits.
namespace tandem::queue {
namespace {

// What a server that lives needs to give a worker's tasks. One whose socket broke with that server
// stops its jobs where nobody has heard it for TANDEM_RECONNECT_S.
constexpr std::int64_t kGiftMs = 500, kDrawAgainMs = 100, kComingMs = 3000;
constexpr int kMaxRounds = 4;

template <class T>
void refuse(Outgoing& out, Outbox* outbox, Done<T>& done) {
  out.answer(outbox, done,
             Result<T>(fail(Errc::store_unavailable, "The task comes from another server")));
}

}  // namespace

// Nil: nobody else has it leased to this worker.
ServerId Peers::holder_of(WorkerId worker, TaskId id, std::uint32_t attempt) {
  const auto entry = dispatcher_.tasks_.load(id);
  if (!entry || *entry == nullptr) return {};
  const Task& task = *(*entry)->task;
  const bool is_its = is_leased(task.status) && task.worker_id == worker && task.attempt == attempt;
  return is_its ? task.held_by : ServerId();
}

template <class Command>
bool Peers::wait_at(ServerId holder, Outbox* outbox, Command& command) {
  // What was taken over from the worker in this process is lost to it: it must not come back.
  if (command.worker_id == dispatcher_.settings_.embedded_worker) return false;
  if (holder.is_nil() || rounds_ >= kMaxRounds) return false;
  const auto [at, is_new] = coming_.try_emplace(command.worker_id);
  if (is_new) {
    const bool may_give = alive_.contains(holder);
    at->second.holder = holder;
    at->second.drawn_at = dispatcher_.turn_.mono + (may_give ? kGiftMs : 0);
    at->second.until = dispatcher_.turn_.mono + kComingMs;
    if (may_give) write(holder, wire::WorkerCame{command.worker_id});
  }
  at->second.commands.push_back({outbox, std::move(command), rounds_ + 1});
  return true;
}

bool Peers::wait_for_tasks(Outbox* outbox, Update& command) {
  if (store_ == nullptr) return false;
  return wait_at(holder_of(command.worker_id, command.task_id, command.attempt), outbox, command);
}

bool Peers::wait_for_tasks(Outbox* outbox, Heartbeat& command) {
  if (store_ == nullptr) return false;
  for (const Lease& lease : command.leases)
    if (wait_at(holder_of(command.worker_id, lease.task_id, lease.attempt), outbox, command))
      return true;
  return false;
}

bool Peers::wait_for_tasks(Outbox* outbox, CheckLease& command) {
  if (store_ == nullptr) return false;
  const ServerId holder =
      holder_of(command.worker_id, command.lease.task_id, command.lease.attempt);
  return wait_at(holder, outbox, command);
}

bool Peers::wait_for_tasks(Outbox* outbox, AddOutput& command) {
  if (store_ == nullptr) return false;
  const ServerId holder =
      holder_of(command.worker_id, command.lease.task_id, command.lease.attempt);
  return wait_at(holder, outbox, command);
}

// The tasks of workers that have come, from servers that did not give them in time.
Result<void> Peers::draw_tasks() {
  const MonoTime now = dispatcher_.turn_.mono;
  std::map<ServerId, std::vector<WorkerId>> late;
  for (auto& [worker, coming] : coming_) {
    if (coming.drawn_at > now) continue;
    late[coming.holder].push_back(worker);
    coming.drawn_at = now + kDrawAgainMs;
  }
  for (const auto& [holder, workers] : late) {
    const auto drawn = store_->draw(holder, kSilentMs, workers);
    if (!drawn) return drawn.error();
    if (drawn->empty()) continue;
    if (auto taken = take(*drawn); !taken) return taken;
    for (const WorkerId& worker : workers) go_on(worker);
  }
  return {};
}

void Peers::refuse_late() {
  for (auto& [worker, coming] : coming_) {
    if (coming.until > dispatcher_.turn_.mono) continue;
    for (WaitingCommand& waiting : std::exchange(coming.commands, {}))
      std::visit([&](auto& what) { refuse(dispatcher_.turn_.outgoing, waiting.outbox, what.done); },
                 waiting.what);
  }
  std::erase_if(coming_, [](const auto& coming) { return coming.second.commands.empty(); });
}

void Peers::go_on(WorkerId worker) {
  const auto found = coming_.find(worker);
  if (found == coming_.end()) return;
  std::vector<WaitingCommand> commands = std::move(found->second.commands);
  coming_.erase(found);
  for (WaitingCommand& waiting : commands) {
    rounds_ = waiting.rounds;
    std::visit([&](auto& what) { dispatcher_.apply(waiting.outbox, what); }, waiting.what);
  }
  rounds_ = 0;
}

Result<void> Peers::read(ServerId from, wire::WorkerCame& came) {
  wire::TasksGiven given{.worker_id = came.worker_id, .tasks = {}};
  for (Entry* entry : dispatcher_.held_.of(came.worker_id)) {
    if (!entry->task->held_by.is_nil()) continue;
    given.tasks.push_back(entry->task->task_id);
    give(*entry, from);
  }
  write(from, given);
  return {};
}

Result<void> Peers::read(ServerId from, wire::TasksGiven& given) {
  if (auto taken = take(given.tasks); !taken) return taken;
  if (given.worker_id.is_nil())
    told_slots_[from] = std::max(0, told_slots_[from] - static_cast<int>(given.tasks.size()));
  else
    go_on(given.worker_id);
  return {};
}

// From the commit on it is the other's. Whoever waits for its removal has to ask there.
void Peers::give(Entry& entry, ServerId to) {
  for (auto& [outbox, done] : std::exchange(entry.removals, {}))
    dispatcher_.turn_.outgoing.answer(
        outbox, done, Result<TaskPtr>(fail(Errc::conflict, "The task has moved; try again")));
  dispatcher_.unqueue(entry);
  entry.deadline = kNever;
  Task& task = dispatcher_.tasks_.edit(entry);
  dispatcher_.held_.remove(task);
  task.held_by = to;
  if (dispatcher_.watchers_.has(task.task_id)) watch(entry);
}

Result<void> Peers::take(const std::vector<TaskId>& tasks) {
  if (tasks.empty()) return {};
  dispatcher_.tasks_.forget_foreign();
  auto rows = dispatcher_.store_.load(tasks);
  if (!rows) return rows.error();
  for (Task& task : *rows) {
    if (!task.held_by.is_nil() || is_terminal(task.status)) continue;
    Entry* entry = dispatcher_.tasks_.admit(std::move(task));
    if (entry == nullptr) continue;
    if (auto kept = keep(*entry); !kept) return kept;
  }
  return {};
}

// It may be in memory: its row is this server's since the commit that gave it, and somebody may
// have asked for it before the letter was read. Then it was looked at, and no more.
Result<void> Peers::keep(Entry& entry) {
  const Task& task = *entry.task;
  if (is_leased(task.status)) {
    if (dispatcher_.held_.has(task) && entry.deadline != kNever) return {};
    if (auto kept = dispatcher_.keep_leased(entry); !kept) return kept;
    if (task.cancel_requested) dispatcher_.tell(entry, CancelOrder{task.task_id, task.attempt});
    return {};
  }
  const auto sooner = [](std::optional<WallTime>& time, WallTime other) {
    time = std::min(time.value_or(other), other);
  };
  if (task.status == TaskStatus::scheduled) {
    sooner(dispatcher_.next_due_, *task.run_at);
    return {};
  }
  if (task.status != TaskStatus::pending || entry.in_window) return {};
  if (const auto& timeout = task.spec.queue_timeout_ms)
    sooner(dispatcher_.next_queue_expiry_, *task.queued_at + *timeout);
  dispatcher_.tasks_.look_at(entry);
  dispatcher_.stand_in_lane(entry);
  return {};
}

Result<void> Peers::read(ServerId from, wire::FreeSlots& free) {
  guests_.put(from, std::move(free.groups), dispatcher_.turn_.mono);
  return {};
}

}  // namespace tandem::queue
