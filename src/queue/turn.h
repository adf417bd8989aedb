#pragma once

#include <utility>
#include <vector>

#include "queue/commands.h"
#include "queue/outgoing.h"

namespace tandem::queue {

// What a turn of the dispatcher has at hand: when it is, what it will write, what it will say.
struct Turn {
  WallTime now;
  MonoTime mono;
  store::TaskBatch batch;
  std::vector<std::pair<Outbox*, Transact>> transactions;
  std::vector<Result<void>> transaction_results;
  bool begun = false;  // the store's transaction
  Outgoing outgoing;
  std::vector<WorkerId> slots_taken, polls_to_answer;
  std::vector<TaskId> order_again, to_queue;  // the latter are assignable from the next turn on
  bool next_at_once = false;
};

}  // namespace tandem::queue
