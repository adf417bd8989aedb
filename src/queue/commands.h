#pragma once

#include <functional>
#include <variant>
#include <vector>

#include "base/outbox.h"
#include "queue/client_commands.h"
#include "queue/worker_channels.h"
#include "queue/worker_updates.h"
#include "store/store.h"

// What can be asked of the dispatcher, and what it answers. Each command's `done` runs on the
// command's outbox, after the turn's commit: an answer that is not an error is durable.
namespace tandem::queue {

// Runs in the turn's transaction; may use nothing but accounts() and workers(), and has written
// nothing where it answers an error.
struct Transact {
  std::function<Result<void>(store::Store&)> run;
  bool is_announced = false;  // clients or workers change: other servers are told
  Done<std::monostate> done;
};
// Terminal tasks that finished before, at most `limit`: removes their rows, answers their ids.
struct Purge {
  WallTime finished_before;
  int limit = 500;
  Done<std::vector<TaskId>> done;
};
// Drops idempotency rows made before, at most `limit`; answers how many.
struct ExpireIdempotency {
  WallTime before;
  int limit = 500;
  Done<std::int64_t> done;
};

// From now on `owed` runs on the outbox after each commit that owes a callback, and after a reload.
// A second command takes the place of the first.
struct WatchCallbacks {
  std::function<void()> owed;
};
// Writes down what a try to deliver a callback came to.
struct CallbackTried {
  store::CallbackTry made;
  Done<std::monostate> done;
};

// There may be letters of other servers: a hint, from whatever thread hears of it.
struct Knock {};
// `changed` runs on the outbox now, and when another server may have changed clients or workers.
struct WatchAccounts {
  std::function<void()> changed;
};

using AnyCommand =
    std::variant<Submit, Cancel, Retry, Remove, Input, Resize, Watch, Unwatch, OpenWorker, Ready,
                 Retire, CloseWorker, Update, Heartbeat, CheckLease, AddOutput, Claim, Unclaim,
                 ReviewWorkers, InspectWorkers, Transact, Purge, ExpireIdempotency, WatchCallbacks,
                 CallbackTried, Knock, WatchAccounts>;

// One of them. Its copies, moves and end are compiled once: who posts one needs to know it alone.
struct SomeCommand : AnyCommand {
  using AnyCommand::AnyCommand;
  SomeCommand(const SomeCommand&);
  SomeCommand(SomeCommand&&) noexcept;
  SomeCommand& operator=(const SomeCommand&);
  SomeCommand& operator=(SomeCommand&&) noexcept;
  ~SomeCommand();
};

struct Command {
  Outbox* outbox = nullptr;  // outlives the dispatcher's thread
  SomeCommand what;
};

}  // namespace tandem::queue
