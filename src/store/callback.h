#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/id.h"

namespace tandem::store {

// A task's callback_url that is still to be told of its end. A task has at most one.
struct Callback {
  TaskId task_id;
  WallTime ended_at;  // finished_at of the end it tells of; after a retry comes another
  std::string url;
  int tries = 0;
  WallTime due_at;
  bool by_any = false;  // any server may deliver it; else the one that has written it down
  bool operator==(const Callback&) const = default;
};

// What a try to deliver came to. Writes nothing where the callback is gone or tells of another end.
struct CallbackTry {
  TaskId task_id;
  WallTime ended_at;
  std::optional<WallTime> next_at;  // of the next try; none: it is owed no more
};

}  // namespace tandem::store
