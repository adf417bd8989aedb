#include "queue/held_tasks.h"

namespace tandem::queue {

void HeldTasks::remove(const Task& task) {
  const auto found = held_.find(task.worker_id);
  if (found == held_.end()) return;
  found->second.erase(task.task_id);
  if (found->second.empty()) held_.erase(found);
}

bool HeldTasks::has(const Task& task) const {
  const auto found = held_.find(task.worker_id);
  return found != held_.end() && found->second.contains(task.task_id);
}

std::vector<WorkerId> HeldTasks::workers() const {
  std::vector<WorkerId> ids;
  ids.reserve(held_.size());
  for (const auto& [worker, tasks] : held_) ids.push_back(worker);
  return ids;
}

std::vector<Entry*> HeldTasks::of(WorkerId worker) {
  std::vector<Entry*> entries;
  const auto found = held_.find(worker);
  if (found == held_.end()) return entries;
  std::erase_if(found->second, [&](TaskId id) {
    Entry* entry = tasks_.find(id);
    const bool is_held =
        entry != nullptr && is_leased(entry->task->status) && entry->task->worker_id == worker;
    if (is_held) entries.push_back(entry);
    return !is_held;
  });
  if (found->second.empty()) held_.erase(found);
  return entries;
}

}  // namespace tandem::queue
