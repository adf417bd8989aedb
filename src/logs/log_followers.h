#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/outbox.h"
#include "logs/tail_reader.h"

namespace tandem::logs {

// New records of one task, in order. Shared by all that follow it.
using LogChunk = std::shared_ptr<const std::vector<LogRecord>>;

// Who follows which task's log. What they are told comes from one place, so that it is in order and
// nothing comes twice: from the store's tail reader where it has one, else from the caller's own
// commits. However many follow a task, the reader watches it once. Thread-safe; no call blocks.
class LogFollowers {
 public:
  using Follower = std::function<void(LogChunk)>;
  using FollowId = std::uint64_t;
  // What is posted at the end of a commit: one post per outbox.
  using Mail = std::unordered_map<Outbox*, std::vector<Outbox::Delivery>>;

  explicit LogFollowers(LogStore& store);

  FollowId follow(TaskId task, Outbox& outbox, Follower follower);
  // After it returns, at most the chunks already posted still arrive.
  void unfollow(TaskId task, FollowId id);

  // The caller has committed these. Posts `mail`, and behind it what followers are told.
  void committed(std::vector<LogAppend> appends, Mail mail);

 private:
  struct Subscription {
    FollowId id = 0;
    Outbox* outbox = nullptr;
    std::shared_ptr<const Follower> follower;
  };
  void tell(std::vector<LogAppend> appends, Mail mail);

  std::mutex mutex_;
  std::unordered_map<TaskId, std::vector<Subscription>> followers_;  // guarded, with next_id_
  FollowId next_id_ = 1;
  std::unique_ptr<TailReader> tail_;  // null: nobody appends but the caller. Is stopped first
};

}  // namespace tandem::logs
