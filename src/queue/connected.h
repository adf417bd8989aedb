#pragma once

#include <functional>

#include "base/outbox.h"
#include "queue/commands.h"

namespace tandem::queue {

// A worker that is connected to this server.
struct Worker {
  WorkerProfile profile;
  Outbox* outbox = nullptr;
  std::function<void(WorkerOrder)> order;
  int slots_free = 0;
};

// One who wants to see each change of a task.
struct Watcher {
  std::uint64_t id = 0;
  Outbox* outbox = nullptr;
  std::function<void(TaskPtr)> changed;
};

// An answer that waits for the commit: given its error, if there is one.
struct Answer {
  Outbox* outbox = nullptr;
  std::function<void(const Error*)> give;
};

}  // namespace tandem::queue
