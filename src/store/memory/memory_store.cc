#include "store/memory/memory_store.h"

#include <algorithm>

#include "base/assert.h"
#include "store/memory/memory_accounts.h"
#include "store/memory/memory_peers.h"
#include "store/memory/memory_reader.h"
#include "store/memory/memory_state.h"
#include "store/memory/memory_workers.h"
#include "store/task_rules.h"

namespace tandem::store {
namespace {

using Lock = std::lock_guard<std::mutex>;

bool may_change(const Task& row, ServerId server) {
  return row.held_by == server || is_terminal(row.status);
}

void set_holder(Task& row, ServerId server) {
  if (row.held_by.is_nil()) row.held_by = server;
}

Result<void> insert_tasks(MemoryState& state, const TaskBatch& batch, ServerId server) {
  for (const Task* task : batch.inserts) {
    if (auto checked = check_row(*task); !checked) return checked;
    if (state.tasks.find(task->task_id) != nullptr)
      return fail(Errc::conflict, "There is a task with this id");
    auto row = std::make_shared<Task>(*task);
    set_holder(*row, server);
    state.put_task(std::move(row));
  }
  return {};
}

Result<std::uint8_t> change_task(MemoryState& state, const TaskChange& change, ServerId server) {
  const TaskRow* found = state.tasks.find(change.task->task_id);
  if (found == nullptr) return std::uint8_t{0};
  const Task& row = **found;
  if (row.attempt != change.guard_attempt || !change.guard_status.contains(row.status) ||
      !may_change(row, server))
    return std::uint8_t{0};
  if (auto checked = check_transition(row.status, change.task->status); !checked)
    return checked.error();
  auto next = std::make_shared<Task>(*change.task);
  next->client_id = row.client_id;
  next->spec = row.spec;
  next->inputs = row.inputs;
  next->created_at = row.created_at;
  if (auto checked = check_row(*next); !checked) return checked.error();
  set_holder(*next, server);
  state.put_task(std::move(next));
  return std::uint8_t{1};
}

void apply_callbacks(MemoryState& state, const TaskBatch& batch) {
  for (const Callback& callback : batch.callbacks) state.callbacks.put(callback.task_id, callback);
  for (const CallbackTry& made : batch.callback_tries) {
    const Callback* found = state.callbacks.find(made.task_id);
    if (found == nullptr || found->ended_at != made.ended_at) continue;
    if (!made.next_at) {
      state.callbacks.erase(made.task_id);
      continue;
    }
    Callback next = *found;
    ++next.tries;
    next.due_at = *made.next_at;
    state.callbacks.put(made.task_id, std::move(next));
  }
}

void apply_letters(MemoryState& state, const TaskBatch& batch, ServerId server) {
  for (const Letter& letter : batch.letters) {
    const std::int64_t number = ++state.last_letter;
    state.letters.put(number, {letter.to, {number, server, letter.text}});
  }
  for (const std::int64_t number : batch.letters_read) state.letters.erase(number);
}

std::optional<WallTime> first_of(const TaskOrders::ByTime& order) {
  if (order.empty()) return std::nullopt;
  return order.begin()->first;
}

}  // namespace

MemoryDatabase::MemoryDatabase() : state_(std::make_shared<MemoryState>()) {}

std::unique_ptr<MemoryStore> MemoryDatabase::open(ServerId server, const Clock& clock) {
  return std::unique_ptr<MemoryStore>(new MemoryStore(state_, server, &clock));
}

MemoryStore::MemoryStore() : MemoryStore(std::make_shared<MemoryState>(), {}, nullptr) {}

MemoryStore::MemoryStore(std::shared_ptr<MemoryState> state, ServerId server, const Clock* clock)
    : state_(std::move(state)),
      server_(server),
      peers_(clock == nullptr ? nullptr : std::make_unique<MemoryPeers>(*state_, server, *clock)),
      accounts_(std::make_unique<MemoryAccounts>(*state_)),
      workers_(std::make_unique<MemoryWorkers>(*state_)),
      reader_(std::make_unique<MemoryReader>(*state_)) {}
MemoryStore::~MemoryStore() = default;

PeerStore* MemoryStore::peers() { return peers_.get(); }

Task MemoryStore::seen_here(const Task& row) const {
  Task task = row;
  if (may_change(row, server_)) task.held_by = {};
  return task;
}

std::vector<Task> MemoryStore::rows_until(const std::set<std::pair<WallTime, TaskId>>& order,
                                          WallTime now, int limit) const {
  std::vector<Task> found;
  for (const auto& [time, id] : order) {
    if (time > now || std::ssize(found) >= limit) break;
    found.push_back(seen_here(**state_->tasks.find(id)));
  }
  return found;
}

TaskReader& MemoryStore::reader() { return *reader_; }
AccountStore& MemoryStore::accounts() { return *accounts_; }
WorkerStore& MemoryStore::workers() { return *workers_; }

void MemoryStore::fail_call(std::uint64_t n, Errc code) {
  const Lock lock(state_->mutex);
  state_->failing_call = n;
  state_->call_error = code;
}

void MemoryStore::fail_commit(std::uint64_t n, CommitFault when, Errc code) {
  const Lock lock(state_->mutex);
  state_->failing_commit = n;
  state_->commit_fault = when;
  state_->commit_error = code;
}

void MemoryStore::set_down(std::optional<Errc> code) {
  const Lock lock(state_->mutex);
  state_->down = code;
}

void MemoryStore::clear_faults() {
  const Lock lock(state_->mutex);
  state_->failing_call = state_->failing_commit = 0;
  state_->down.reset();
}

std::uint64_t MemoryStore::calls() const {
  const Lock lock(state_->mutex);
  return state_->calls;
}

std::uint64_t MemoryStore::commits() const {
  const Lock lock(state_->mutex);
  return state_->commits;
}

void MemoryStore::crash() {
  rollback();
  clear_faults();
}

Result<void> MemoryStore::begin() {
  const Lock lock(state_->mutex);
  TANDEM_ASSERT(!state_->in_transaction);
  if (auto entered = state_->enter(); !entered) return entered;
  state_->in_transaction = true;
  return {};
}

Result<std::vector<std::uint8_t>> MemoryStore::apply(const TaskBatch& batch) {
  const Lock lock(state_->mutex);
  TANDEM_ASSERT(state_->in_transaction);
  if (auto entered = state_->enter(); !entered) return entered.error();
  if (auto inserted = insert_tasks(*state_, batch, server_); !inserted) return inserted.error();
  std::vector<std::uint8_t> held;
  held.reserve(batch.changes.size() + batch.removals.size());
  for (const TaskChange& change : batch.changes) {
    auto changed = change_task(*state_, change, server_);
    if (!changed) return changed.error();
    held.push_back(*changed);
  }
  apply_callbacks(*state_, batch);
  apply_letters(*state_, batch, server_);
  for (const TaskId& id : batch.removals) {
    const TaskRow* row = state_->tasks.find(id);
    held.push_back(row != nullptr && may_change(**row, server_) ? 1 : 0);
    if (held.back() == 1) state_->remove_task(id);
  }
  for (const IdempotencyRow& row : batch.idempotency)
    state_->idempotency.put({row.client_id, row.key}, row);
  for (const InputPiece& piece : batch.inputs) {
    const std::tuple key(piece.task_id, piece.attempt, piece.seq);
    if (state_->inputs.find(key) != nullptr)
      return fail(Errc::conflict, "There is a piece of input with this number");
    state_->inputs.put(key, piece);
  }
  return held;
}

Result<void> MemoryStore::commit() {
  const Lock lock(state_->mutex);
  TANDEM_ASSERT(state_->in_transaction);
  if (auto entered = state_->enter(); !entered) {
    state_->rollback();
    return entered;
  }
  const bool fails = state_->failing_commit != 0 && --state_->failing_commit == 0;
  if (fails && state_->commit_fault == CommitFault::before) {
    state_->rollback();
  } else {
    state_->commit();
  }
  if (fails) return fail(state_->commit_error, "The commit failed");
  return {};
}

void MemoryStore::rollback() {
  const Lock lock(state_->mutex);
  if (state_->in_transaction) state_->rollback();
}

Result<std::vector<Task>> MemoryStore::load(std::span<const TaskId> ids) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  std::vector<Task> found;
  found.reserve(ids.size());
  for (const TaskId& id : ids)
    if (const TaskRow* row = state_->tasks.find(id)) found.push_back(seen_here(**row));
  return found;
}

Result<std::vector<Task>> MemoryStore::load_leased() {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  std::vector<Task> found;
  for (const TaskId& id : state_->orders.held[server_].leased)
    found.push_back(seen_here(**state_->tasks.find(id)));
  return found;
}

Result<std::vector<LaneKey>> MemoryStore::pending_lanes() {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  std::vector<LaneKey> lanes;
  for (const auto& [lane, tasks] : state_->orders.held[server_].pending) lanes.push_back(lane);
  return lanes;
}

Result<std::vector<Task>> MemoryStore::load_pending(const LaneKey& lane, const LanePosition* after,
                                                    int limit) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  std::vector<Task> found;
  const auto& pending = state_->orders.held[server_].pending;
  const auto order = pending.find(lane);
  if (order == pending.end()) return found;
  auto at = after == nullptr ? order->second.begin()
                             : order->second.upper_bound({-after->priority, after->task_id});
  for (; at != order->second.end() && std::ssize(found) < limit; ++at)
    found.push_back(seen_here(**state_->tasks.find(at->second)));
  return found;
}

Result<std::vector<Task>> MemoryStore::load_due(WallTime now, int limit) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  return rows_until(state_->orders.held[server_].due, now, limit);
}

Result<std::optional<WallTime>> MemoryStore::next_due() {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  return first_of(state_->orders.held[server_].due);
}

Result<std::vector<Task>> MemoryStore::load_queue_expired(WallTime now, int limit) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  return rows_until(state_->orders.held[server_].queue_expiry, now, limit);
}

Result<std::optional<WallTime>> MemoryStore::next_queue_expiry() {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  return first_of(state_->orders.held[server_].queue_expiry);
}

Result<std::optional<IdempotencyRow>> MemoryStore::find_idempotency(ClientId client,
                                                                    const std::string& key) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  const IdempotencyRow* row = state_->idempotency.find({client, key});
  if (row == nullptr) return std::optional<IdempotencyRow>{};
  return std::optional(*row);
}

Result<std::optional<TaskId>> MemoryStore::find_unique(ClientId client, const std::string& key) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  const auto found = state_->orders.unique.find({client, key});
  if (found == state_->orders.unique.end()) return std::optional<TaskId>{};
  return std::optional(*found->second.begin());
}

Result<std::vector<InputPiece>> MemoryStore::load_inputs(TaskId task, std::uint32_t attempt,
                                                         std::uint64_t after_seq) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  std::vector<InputPiece> found;
  auto at = state_->inputs.rows().upper_bound({task, attempt, after_seq});
  for (; at != state_->inputs.rows().end(); ++at) {
    if (at->second.task_id != task || at->second.attempt != attempt) break;
    found.push_back(at->second);
  }
  return found;
}

Result<std::int64_t> MemoryStore::expire_idempotency(WallTime before, int limit) {
  const Lock lock(state_->mutex);
  TANDEM_ASSERT(!state_->in_transaction);
  if (auto entered = state_->enter(); !entered) return entered.error();
  using Key = std::pair<ClientId, std::string>;
  std::vector<std::pair<WallTime, Key>> old;
  for (const auto& [key, row] : state_->idempotency.rows())
    if (row.created_at < before) old.emplace_back(row.created_at, key);
  std::sort(old.begin(), old.end());
  if (std::ssize(old) > limit) old.resize(static_cast<std::size_t>(limit));
  for (const auto& [time, key] : old) state_->idempotency.erase(key);
  state_->idempotency.commit();
  return std::ssize(old);
}

Result<std::vector<TaskId>> MemoryStore::load_finished_before(WallTime before, int limit) {
  const Lock lock(state_->mutex);
  if (auto entered = state_->enter(); !entered) return entered.error();
  std::vector<TaskId> found;
  for (const auto& [time, id] : state_->orders.finished) {
    if (time >= before || std::ssize(found) >= limit) break;
    found.push_back(id);
  }
  return found;
}

}  // namespace tandem::store
