#pragma once

#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/outbox.h"
#include "queue/worker_updates.h"

namespace tandem::queue {

// What a worker has said of a task that another server holds: it waits until the task is here.
struct WaitingCommand {
  Outbox* outbox = nullptr;
  std::variant<Update, Heartbeat, CheckLease, AddOutput> what;
  int rounds = 0;  // servers that were asked for its tasks
};

// A worker whose tasks are on their way to this server.
struct ComingWorker {
  std::vector<WaitingCommand> commands;
  MonoTime until;
};

}  // namespace tandem::queue
