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
  int rounds = 0;  // how often its tasks were asked for
};

// A worker whose tasks are on their way to this server.
struct ComingWorker {
  std::vector<WaitingCommand> commands;
  ServerId holder;
  MonoTime drawn_at;  // if the holder has not given them
  MonoTime until;     // when the commands are refused
};

}  // namespace tandem::queue
