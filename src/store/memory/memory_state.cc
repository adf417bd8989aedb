#include "store/memory/memory_state.h"

namespace tandem::store {
namespace {

std::optional<WallTime> queue_expiry_of(const Task& task) {
  if (!task.spec.queue_timeout_ms || !task.queued_at) return std::nullopt;
  return *task.queued_at + *task.spec.queue_timeout_ms;
}

template <class Map, class Value>
void drop_from(Map& map, const typename Map::key_type& key, const Value& value) {
  const auto at = map.find(key);
  if (at == map.end()) return;
  at->second.erase(value);
  if (at->second.empty()) map.erase(at);
}

}  // namespace

void TaskOrders::add(const Task& task) {
  const TaskId& id = task.task_id;
  Held& its = held[task.held_by];
  if (task.status == TaskStatus::pending) {
    its.pending[lane_of(task)].emplace(-task.spec.priority, id);
    if (const auto expiry = queue_expiry_of(task)) its.queue_expiry.emplace(*expiry, id);
  }
  if (task.status == TaskStatus::scheduled) its.due.emplace(*task.run_at, id);
  if (is_leased(task.status)) its.leased.insert(id);
  if (is_terminal(task.status)) {
    finished.emplace(*task.finished_at, id);
  } else if (!task.spec.unique_key.empty()) {
    unique[{task.client_id, task.spec.unique_key}].insert(id);
  }
}

void TaskOrders::remove(const Task& task) {
  const TaskId& id = task.task_id;
  Held& its = held[task.held_by];
  if (task.status == TaskStatus::pending) {
    drop_from(its.pending, lane_of(task), std::pair(-task.spec.priority, id));
    if (const auto expiry = queue_expiry_of(task)) its.queue_expiry.erase({*expiry, id});
  }
  if (task.status == TaskStatus::scheduled) its.due.erase({*task.run_at, id});
  its.leased.erase(id);
  if (is_terminal(task.status)) {
    finished.erase({*task.finished_at, id});
  } else if (!task.spec.unique_key.empty()) {
    drop_from(unique, {task.client_id, task.spec.unique_key}, id);
  }
}

Result<void> MemoryState::enter() {
  ++calls;
  if (down) return fail(*down, "The store is down");
  if (failing_call != 0 && --failing_call == 0) return fail(call_error, "The store failed");
  return {};
}

void MemoryState::put_task(TaskRow row) {
  if (const TaskRow* old = tasks.find(row->task_id)) orders.remove(**old);
  orders.add(*row);
  const TaskId id = row->task_id;
  tasks.put(id, std::move(row));
}

void MemoryState::remove_task(const TaskId& id) {
  const TaskRow* row = tasks.find(id);
  if (row == nullptr) return;
  orders.remove(**row);
  tasks.erase(id);
  callbacks.erase(id);
  auto piece = inputs.rows().lower_bound({id, 0, 0});
  while (piece != inputs.rows().end() && std::get<0>(piece->first) == id) {
    const auto key = piece->first;
    ++piece;
    inputs.erase(key);
  }
}

void MemoryState::commit() {
  tasks.commit();
  idempotency.commit();
  inputs.commit();
  callbacks.commit();
  clients.commit();
  refresh.commit();
  meta.commit();
  workers.commit();
  letters.commit();
  in_transaction = false;
  ++commits;
}

void MemoryState::rollback() {
  for (const auto& [id, old] : tasks.before()) {
    if (const TaskRow* row = tasks.find(id)) orders.remove(**row);
    if (old) orders.add(**old);
  }
  tasks.rollback();
  idempotency.rollback();
  inputs.rollback();
  callbacks.rollback();
  clients.rollback();
  refresh.rollback();
  meta.rollback();
  workers.rollback();
  letters.rollback();
  in_transaction = false;
}

}  // namespace tandem::store
