#include "logs/log_followers.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tandem::logs {

LogFollowers::LogFollowers(LogStore& store)
    : tail_(store.open_tail([this](std::vector<LogAppend> found) { tell(std::move(found), {}); })) {
}

// The reader is told under the lock, so that it watches what is followed, whoever comes and goes.
LogFollowers::FollowId LogFollowers::follow(TaskId task, Outbox& outbox, Follower follower) {
  auto shared = std::make_shared<const Follower>(std::move(follower));
  const std::lock_guard lock(mutex_);
  std::vector<Subscription>& those = followers_[task];
  if (those.empty() && tail_ != nullptr) tail_->watch(task);
  those.push_back({next_id_, &outbox, std::move(shared)});
  return next_id_++;
}

void LogFollowers::unfollow(TaskId task, FollowId id) {
  const std::lock_guard lock(mutex_);
  const auto found = followers_.find(task);
  if (found == followers_.end()) return;
  std::erase_if(found->second, [id](const Subscription& one) { return one.id == id; });
  if (!found->second.empty()) return;
  followers_.erase(found);
  if (tail_ != nullptr) tail_->unwatch(task);
}

void LogFollowers::committed(std::vector<LogAppend> appends, Mail mail) {
  if (tail_ != nullptr) appends.clear();
  tell(std::move(appends), std::move(mail));
}

// Posting under the lock is what makes unfollow() final; an outbox runs nothing inside post().
void LogFollowers::tell(std::vector<LogAppend> appends, Mail mail) {
  const std::lock_guard lock(mutex_);
  if (!followers_.empty()) {
    std::unordered_map<TaskId, std::vector<LogRecord>> chunks;
    for (LogAppend& append : appends) {
      if (append.records.empty() || !followers_.contains(append.task_id)) continue;
      std::vector<LogRecord>& chunk = chunks[append.task_id];
      std::move(append.records.begin(), append.records.end(), std::back_inserter(chunk));
    }
    for (auto& [task, records] : chunks) {
      const LogChunk chunk = std::make_shared<const std::vector<LogRecord>>(std::move(records));
      for (const Subscription& one : followers_.at(task))
        mail[one.outbox].push_back([follower = one.follower, chunk] { (*follower)(chunk); });
    }
  }
  for (auto& [outbox, deliveries] : mail) outbox->post(std::move(deliveries));
}

}  // namespace tandem::logs
