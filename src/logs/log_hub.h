#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/outbox.h"
#include "logs/log_followers.h"
#include "logs/log_store.h"
#include "logs/tail_cache.h"

namespace tandem::logs {

// Appends and follows. A thread of its own commits what has come in, all in one (group commit),
// then answers, then tells the followers. Several servers may have a hub each on one store that is
// remote. Thread-safe; no call blocks. An Outbox outlives the hub.
class LogHub {
 public:
  using AppendDone = std::function<void(Result<LogTail>)>;
  using RemoveDone = std::function<void(Result<void>)>;
  using Follower = LogFollowers::Follower;
  using FollowId = LogFollowers::FollowId;

  // What one caller should at most leave unanswered, and what all together should.
  static constexpr std::size_t kCallerWindowBytes = 1024 * 1024;
  static constexpr std::size_t kHighWaterBytes = 64 * 1024 * 1024;

  // `reader` also has what is no longer in the store: logs that were packed away.
  LogHub(LogStore& store, LogReader& reader);
  explicit LogHub(LogStore& store) : LogHub(store, store) {}
  ~LogHub();  // stops and joins; what has come in is committed and answered first

  // `done` runs on `outbox` when the records are durable, with the attempt's new tail. Repeats are
  // skipped; an append of no records answers the tail. Appends of one task are committed in the
  // order of the calls. On an error nothing of this append is written and it may be repeated:
  //   range_not_satisfiable  there is a gap before it (ask for the tail, repeat from there). Where
  //     the store can lose records and the very same comes again, its caller has no others: it is
  //     taken, and the store says what is missing
  //   stale_attempt          a later attempt of the task has written already
  //   validation_failed, too_large  its seqs are not dense from 1 on; a record is too large
  //   disk_full, store_unavailable  the store's: the next append may work again
  // Always accepted, whatever waits: a caller bounds what it leaves unanswered.
  void append(LogAppend append, Outbox& outbox, AppendDone done);

  // Bytes of data that were accepted and are not answered. At kHighWaterBytes and more, callers
  // take nothing new from their sources until answers have come.
  std::size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }

  // From the return of this call on, every chunk that is committed for the task, by whichever
  // server, is given to `follower` on `outbox`, in order and once. Read first what was there
  // before: subscribe, then reader().read() until it meets the first chunk; drop what overlaps by
  // position (the first chunk may begin with records that were there).
  FollowId follow(TaskId task, Outbox& outbox, Follower follower) {
    return followers_.follow(task, outbox, std::move(follower));
  }
  // After it returns, at most the chunks already posted still arrive.
  void unfollow(TaskId task, FollowId id) { followers_.unfollow(task, id); }

  // Behind the appends that came before it; those that come while it goes on may be removed too.
  // On an error some of it may be gone: repeat it.
  void remove(std::vector<TaskId> tasks, Outbox& outbox, RemoveDone done);
  LogStore& store() { return store_; }
  LogReader& reader() { return reader_; }

 private:
  struct PendingAppend;
  struct PendingRemoval;
  using Mail = LogFollowers::Mail;

  void run();
  void commit(std::span<PendingAppend> appends);
  void settle(std::span<PendingAppend*> owners, const std::vector<TaskTail>& tails,
              std::vector<LogAppend>& written);
  void take_back(std::span<PendingAppend> appends, const Error& error);
  Result<LogTail> admit(PendingAppend& pending);
  Result<TaskTail> known_tail(const LogAppend& append);
  Result<TaskTail> stored_tail(TaskId task, std::uint32_t attempt);
  Result<LogTail> tail_before(PendingAppend& pending);
  bool is_refused_again(const LogAppend& append);
  Result<LogTail> tail_only(TaskId task, std::uint32_t attempt);
  void answer(std::span<PendingAppend> appends, Mail& mail);
  void remove_some();

  LogStore& store_;
  LogReader& reader_;
  TailCache tails_;                               // the hub's thread only, with the lines below
  std::vector<PendingRemoval> removals_;          // under way, the oldest first
  std::unordered_map<TaskId, LogPosition> gaps_;  // the first record of what was refused for one
  std::atomic<std::size_t> pending_bytes_{0};

  std::mutex inbox_mutex_;
  std::condition_variable inbox_filled_;
  std::vector<PendingAppend> inbox_;  // guarded by inbox_mutex_, with the two below
  std::vector<PendingRemoval> removal_inbox_;
  bool stopping_ = false;

  LogFollowers followers_;

  std::thread thread_;
};

}  // namespace tandem::logs
