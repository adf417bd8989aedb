#include "queue/task_table.h"

#include <algorithm>

#include "base/assert.h"

namespace tandem::queue {
namespace {

constexpr std::size_t kMaxCachedPayloadBytes = 16 * 1024;

}  // namespace

Entry* TaskTable::find(TaskId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.removed) return nullptr;
  return &found->second;
}

Result<Entry*> TaskTable::load(TaskId id) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) return found->second.removed ? nullptr : &found->second;
  auto rows = store_.load(std::span(&id, 1));
  if (!rows) return rows.error();
  if (rows->empty()) return nullptr;
  Entry& entry = keep(std::move(rows->front()));
  look_at(entry);
  return &entry;
}

Entry& TaskTable::insert(Task task) {
  Entry& entry = keep(std::move(task));
  entry.inserted = true;
  touch(entry);
  return entry;
}

Entry& TaskTable::keep(Task task) {
  const TaskId id = task.task_id;
  Entry& entry = entries_[id];
  TANDEM_ASSERT(entry.task == nullptr);
  entry.task = std::make_shared<Task>(std::move(task));
  return entry;
}

Entry* TaskTable::admit(Task row) {
  const auto found = entries_.find(row.task_id);
  if (found == entries_.end()) return &keep(std::move(row));
  return found->second.removed ? nullptr : &found->second;
}

Task& TaskTable::edit(Entry& entry) {
  if (entry.shared) {
    entry.task = std::make_shared<Task>(*entry.task);
    entry.shared = false;
  }
  touch(entry);
  return *entry.task;
}

void TaskTable::remove(Entry& entry) {
  touch(entry);
  entry.removed = true;
}

TaskPtr TaskTable::share(Entry& entry) {
  entry.shared = true;
  return entry.task;
}

void TaskTable::touch(Entry& entry) {
  if (entry.dirty) return;
  entry.dirty = true;
  entry.guard_attempt = entry.task->attempt;
  entry.guard_status = entry.task->status;
  touched_.push_back(entry.task->task_id);
}

void TaskTable::collect(store::TaskBatch& batch) const {
  for (TaskId id : touched_) {
    const Entry& entry = entries_.at(id);
    if (!entry.dirty) continue;
    if (entry.removed) {
      if (!entry.inserted) batch.removals.push_back(id);
    } else if (entry.inserted) {
      batch.inserts.push_back(entry.task.get());
    } else {
      batch.changes.push_back({.task = entry.task.get(),
                               .guard_attempt = entry.guard_attempt,
                               .guard_status = {entry.guard_status}});
    }
  }
}

void TaskTable::forget_foreign() {
  for (TaskId id : read_) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.dirty) continue;
    if (!found->second.task->held_by.is_nil()) entries_.erase(found);
  }
}

bool TaskTable::stays(const Entry& entry) {
  if (entry.removed || !entry.task->held_by.is_nil()) return false;
  if (is_leased(entry.task->status)) return true;
  return entry.in_window && entry.task->spec.payload.size() <= kMaxCachedPayloadBytes;
}

void TaskTable::settle() {
  touched_.insert(touched_.end(), read_.begin(), read_.end());
  read_.clear();
  for (TaskId id : touched_) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    found->second.dirty = found->second.inserted = false;
    if (!stays(found->second)) entries_.erase(found);
  }
  touched_.clear();
}

void TaskTable::clear() {
  entries_.clear();
  touched_.clear();
  read_.clear();
}

}  // namespace tandem::queue
