#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/lane.h"
#include "core/task.h"
#include "store/account_store.h"
#include "store/callback.h"
#include "store/peer_store.h"
#include "store/worker_store.h"

namespace tandem::store {

// The new image of a task, written only where the row still has this attempt and one of these
// statuses. The row's inputs, spec, ids and created_at never change.
struct TaskChange {
  const Task* task = nullptr;  // borrowed until apply() returns
  std::uint32_t guard_attempt = 0;
  StatusSet guard_status;
};

struct IdempotencyRow {
  ClientId client_id;
  std::string key;
  std::string body_sha256;
  std::vector<TaskId> tasks;
  WallTime created_at;
};

// Input for a running attempt. seq is dense per task and attempt, from 1.
struct InputPiece {
  TaskId task_id;
  std::uint32_t attempt = 0;
  std::uint64_t seq = 0;
  std::string data;
  bool eof = false;
};

// What one turn of the dispatcher writes.
struct TaskBatch {
  std::vector<const Task*> inserts;  // borrowed until apply() returns
  std::vector<TaskChange> changes;   // applied in order
  std::vector<TaskId> removals;      // the row and all that hangs on it
  std::vector<IdempotencyRow> idempotency;
  std::vector<InputPiece> inputs;
  std::vector<Callback> callbacks;  // each takes the place of an older one of its task
  std::vector<CallbackTry> callback_tries;
  std::vector<Letter> letters;             // to other servers
  std::vector<std::int64_t> letters_read;  // what they say is done with this batch
  bool empty() const {
    return inserts.empty() && changes.empty() && removals.empty() && idempotency.empty() &&
           inputs.empty() && callbacks.empty() && callback_tries.empty() && letters.empty() &&
           letters_read.empty();
  }
};

// A place in a lane's order: higher priority first, then the older id.
struct LanePosition {
  int priority = 0;
  TaskId task_id;
};

// Where tasks are kept: the one writer. Synchronous and batch-shaped; every call blocks. One
// thread, the dispatcher's, makes all calls. An error is store_unavailable or disk_full; after one
// between begin() and commit(), call rollback(). An error of commit() ends the transaction but
// leaves open whether the batch is there: the caller must read again.
// A batch that breaks a rule of the store is a fault of the caller and is refused, with
// illegal_transition (a change that core's table does not allow), conflict (an id, or a piece of
// input, that is there) or internal (task_rules.h).
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<void> begin() = 0;
  // Answers, for each change and then for each removal in order, whether it was made (1) or not
  // (0): the guard did not hold, there is no such row, or another server has it. Inserts come
  // first, then changes, callbacks and their tries, then removals; an idempotency row takes the
  // place of an older one with its client and key, and outlives its tasks.
  virtual Result<std::vector<std::uint8_t>> apply(const TaskBatch& batch) = 0;
  // Clients, refresh tokens, settings of the installation: within begin() … commit().
  virtual AccountStore& accounts() = 0;
  // Registered workers: likewise.
  virtual WorkerStore& workers() = 0;
  // The other servers of the installation; null: there can be none.
  virtual PeerStore* peers() { return nullptr; }
  // Durable when it returns.
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;  // does nothing outside of a transaction

  // Reads that the dispatcher makes, in or outside of a transaction; they see its writes.
  // In the order of `ids`, missing ones left out.
  virtual Result<std::vector<Task>> load(std::span<const TaskId> ids) = 0;
  virtual Result<std::vector<Task>> load_leased() = 0;       // assigned, running, waiting_for_input
  virtual Result<std::vector<LaneKey>> pending_lanes() = 0;  // the lanes that have pending tasks
  // Pending tasks of a lane behind a position, in order; from the front where it is null.
  virtual Result<std::vector<Task>> load_pending(const LaneKey& lane, const LanePosition* after,
                                                 int limit) = 0;
  // Scheduled tasks with run_at <= now, the earliest first; and when the next one is due.
  virtual Result<std::vector<Task>> load_due(WallTime now, int limit) = 0;
  virtual Result<std::optional<WallTime>> next_due() = 0;
  // Pending tasks whose queue_timeout has passed, the earliest first, and when the next one will.
  // It counts from queued_at; while a task is scheduled it does not run.
  virtual Result<std::vector<Task>> load_queue_expired(WallTime now, int limit) = 0;
  virtual Result<std::optional<WallTime>> next_queue_expiry() = 0;
  virtual Result<std::optional<IdempotencyRow>> find_idempotency(ClientId client,
                                                                 const std::string& key) = 0;
  // The oldest task of this client with this unique_key that is not terminal.
  virtual Result<std::optional<TaskId>> find_unique(ClientId client, const std::string& key) = 0;
  virtual Result<std::vector<InputPiece>> load_inputs(TaskId task, std::uint32_t attempt,
                                                      std::uint64_t after_seq) = 0;
  // Drops idempotency rows made before `before`, the oldest first, at most `limit`; in a
  // transaction of its own. Rows dropped.
  virtual Result<std::int64_t> expire_idempotency(WallTime before, int limit) = 0;
  // Terminal tasks that finished before, the oldest first: for retention. Within begin() …
  // commit(), until which no other server can change them; what another is changing now is left
  // out.
  virtual Result<std::vector<TaskId>> load_finished_before(WallTime before, int limit) = 0;
};

}  // namespace tandem::store
