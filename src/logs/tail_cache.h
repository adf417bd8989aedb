#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "logs/log_store.h"

namespace tandem::logs {

// The tails of the tasks that wrote last, at most `capacity` of them. For one thread.
class TailCache {
 public:
  explicit TailCache(std::size_t capacity) : capacity_(capacity) {}
  const TaskTail* find(TaskId task);  // null: not known; until the next call
  void put(TaskId task, const TaskTail& tail);
  void erase(TaskId task);
  std::size_t size() const { return index_.size(); }

 private:
  using Entry = std::pair<TaskId, TaskTail>;
  std::size_t capacity_;
  std::list<Entry> by_use_;  // the latest first
  std::unordered_map<TaskId, std::list<Entry>::iterator> index_;
};

}  // namespace tandem::logs
