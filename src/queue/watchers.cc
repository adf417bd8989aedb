#include "queue/watchers.h"

#include <algorithm>
#include <utility>

namespace tandem::queue {

void Watchers::add(Outbox* outbox, Watch& command) {
  watchers_[command.task_id].push_back(
      {.id = command.watch_id, .outbox = outbox, .changed = std::move(command.changed)});
}

void Watchers::remove(const Unwatch& command) {
  const auto found = watchers_.find(command.task_id);
  if (found == watchers_.end()) return;
  std::erase_if(found->second, [&](const Watcher& one) { return one.id == command.watch_id; });
  if (found->second.empty()) watchers_.erase(found);
}

std::vector<TaskId> Watchers::tasks() const {
  std::vector<TaskId> ids;
  for (const auto& [id, watchers] : watchers_) ids.push_back(id);
  return ids;
}

void Watchers::tell(TaskId id, const TaskPtr& image, Outgoing& out) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  for (Watcher& watcher : found->second)
    out.order(watcher.outbox, [changed = watcher.changed, image] { changed(image); });
  if (image == nullptr) watchers_.erase(found);
}

void Watchers::set_callbacks(Outbox* outbox, WatchCallbacks command) {
  callback_outbox_ = outbox;
  callback_watcher_ = std::move(command);
}

void Watchers::tell_callbacks(Outgoing& out) {
  if (callback_watcher_.owed) out.order(callback_outbox_, callback_watcher_.owed);
}

}  // namespace tandem::queue
