#pragma once

#include <unordered_map>
#include <vector>

#include "queue/outgoing.h"

namespace tandem::queue {

// Those who want to see each change of a task, and who sends the callbacks. One thread.
class Watchers {
 public:
  void add(Outbox* outbox, Watch& command);
  void remove(const Unwatch& command);
  bool empty() const { return watchers_.empty(); }
  bool has(TaskId id) const { return watchers_.contains(id); }
  std::vector<TaskId> tasks() const;
  // null: the task is gone, and so are its watchers.
  void tell(TaskId id, const TaskPtr& image, Outgoing& out);

  void set_callbacks(Outbox* outbox, WatchCallbacks command);
  void tell_callbacks(Outgoing& out);  // there are new ones

 private:
  struct Watcher {
    std::uint64_t id = 0;
    Outbox* outbox = nullptr;
    std::function<void(TaskPtr)> changed;
  };
  std::unordered_map<TaskId, std::vector<Watcher>> watchers_;
  Outbox* callback_outbox_ = nullptr;
  WatchCallbacks callback_watcher_;  // empty: nobody sends them
};

}  // namespace tandem::queue
