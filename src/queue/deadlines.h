#pragma once

#include <queue>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace tandem::queue {

// When to look at which leased task. An entry may be out of date: the task's own deadline decides,
// so that renewing a lease costs nothing here.
class Deadlines {
 public:
  void add(MonoTime when, TaskId id) {
    if (when != kNever) heap_.push({when, id});
  }
  MonoTime next() const { return heap_.empty() ? kNever : heap_.top().when; }
  TaskId pop() {
    const TaskId id = heap_.top().id;
    heap_.pop();
    return id;
  }
  void clear() { heap_ = {}; }

 private:
  struct Item {
    MonoTime when;
    TaskId id;
    bool operator<(const Item& other) const { return when > other.when; }
  };
  std::priority_queue<Item> heap_;
};

}  // namespace tandem::queue
