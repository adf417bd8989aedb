#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "queue/task_table.h"

namespace tandem::queue {

// Which leased tasks each worker holds. Told late of some that are not its any more, so of() looks
// at the tasks themselves.
class HeldTasks {
 public:
  explicit HeldTasks(TaskTable& tasks) : tasks_(tasks) {}
  void add(const Task& task) { held_[task.worker_id].insert(task.task_id); }
  void remove(const Task& task);
  void clear() { held_.clear(); }
  bool has(const Task& task) const;
  std::vector<Entry*> of(WorkerId worker);
  std::vector<WorkerId> workers() const;  // those who hold any, and maybe more

 private:
  TaskTable& tasks_;
  std::unordered_map<WorkerId, std::unordered_set<TaskId>> held_;
};

}  // namespace tandem::queue
