#pragma once

#include "logs/log_store.h"

namespace tandem::logs {

// Reads the ends of logs in a store that several servers share, and tells what it finds
// (LogStore::open_tail). It reads nothing but the tasks that it was told to watch, and nothing at
// all while there are none. Thread-safe; no call blocks but the destructor: it stops, and nothing
// is told from then on.
//
// Of a watched task everything is told that is appended from the call on, each record once and in
// the order of the log, from one thread. What is told first may begin with records that were there
// at that time: from the last two on, so that who has read less sees that there is more to read.
// While the store is away nothing is told, and nothing is left out later.
class TailReader {
 public:
  virtual ~TailReader() = default;
  virtual void watch(TaskId task) = 0;
  virtual void unwatch(TaskId task) = 0;
};

}  // namespace tandem::logs
