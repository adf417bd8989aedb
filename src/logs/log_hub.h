#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/outbox.h"
#include "logs/log_store.h"

namespace tandem::logs {

// Records that became durable in one commit, of one task. Shared by all that follow it.
using LogChunk = std::shared_ptr<const std::vector<LogRecord>>;

// Appends and follows. A thread of its own commits what has come in, all in one (group commit),
// then answers, then tells the followers. Thread-safe.
class LogHub {
 public:
  using AppendDone = std::function<void(Result<LogTail>)>;
  using Follower = std::function<void(LogChunk)>;
  using FollowId = std::uint64_t;

  explicit LogHub(LogStore& store);
  ~LogHub();  // stops and joins; what has come in is committed first

  // `done` runs on `outbox` when the records are durable, with the attempt's new tail. A gap is
  // range_not_satisfiable and writes nothing of that append; repeats are skipped. Appends of one
  // task are committed in the order of the calls.
  void append(LogAppend append, Outbox& outbox, AppendDone done);

  // From the return of this call on, every chunk that is committed for the task is given to
  // `follower` on `outbox`, in order. Read first what was there before: subscribe, then
  // store().read() until it meets the first chunk; drop what overlaps by position.
  FollowId follow(TaskId task, Outbox& outbox, Follower follower);
  // After it returns, at most the chunks already posted still arrive.
  void unfollow(TaskId task, FollowId id);

  void remove(std::vector<TaskId> tasks, Outbox& outbox, std::function<void(Result<void>)> done);
  LogStore& store() { return store_; }
