#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "api/services.h"
#include "logs/log_hub.h"

namespace tandem::api {

// Records in order, of one task.
struct LogPiece {
  logs::LogChunk chunk;    // null: nothing now
  std::size_t first = 0;   // the records from here on
  bool is_shared = false;  // other followers have the same chunk
};

// A task's log from a place on: first what is kept, then live, each record once and none left out.
// What comes in while the reader is busy is held up to a bound; behind that it is read again from
// the store. Used on one loop. Stops following when it is destroyed.
class LogFollow {
 public:
  // `bell` rings on the loop when next() may have something.
  LogFollow(const Services& services, Outbox& outbox, TaskId task, logs::LogPosition after,
            std::function<void()> bell);
  ~LogFollow();
  LogFollow(const LogFollow&) = delete;
  LogFollow& operator=(const LogFollow&) = delete;

  // The next records. Errors: the log store's; it may be called again.
  io::Awaitable<Result<LogPiece>> next();
  // Makes next() read the store to its end once more: after the last record has become durable.
  void read_again() { is_live_ = false; }
  // Whether records may still come of a task that has ended: a server that had to stop while the
  // store was away writes them when it runs again. For a minute at most.
  bool awaits_rest(const Task& task) const;
  // Leaves out all that is there already, up to the last live record; from and to, or nothing.
  std::optional<std::pair<logs::LogPosition, logs::LogPosition>> skip_to_live();

 private:
  struct Queue;
  io::Awaitable<Result<LogPiece>> read_page();
  LogPiece next_live();

  const Services& services_;
  TaskId task_;
  logs::LogPosition sent_;
  bool is_live_ = false;
  std::shared_ptr<Queue> queue_;  // shared with the hub's deliveries under way
  logs::LogHub::FollowId follow_id_ = 0;
};

}  // namespace tandem::api
