#include "logs/tail_cache.h"

namespace tandem::logs {

const TaskTail* TailCache::find(TaskId task) {
  const auto found = index_.find(task);
  if (found == index_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return &found->second->second;
}

void TailCache::put(TaskId task, const TaskTail& tail) {
  if (const auto found = index_.find(task); found != index_.end()) {
    found->second->second = tail;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return;
  }
  if (index_.size() >= capacity_) {
    index_.erase(by_use_.back().first);
    by_use_.pop_back();
  }
  by_use_.emplace_front(task, tail);
  index_.emplace(task, by_use_.begin());
}

void TailCache::erase(TaskId task) {
  const auto found = index_.find(task);
  if (found == index_.end()) return;
  by_use_.erase(found->second);
  index_.erase(found);
}

}  // namespace tandem::logs
