#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/outbox.h"
#include "base/result.h"
#include "core/lane.h"
#include "core/task.h"
#include "store/store.h"

// What can be asked of the dispatcher, and what it answers. Each command's `done` runs on the
// command's outbox, after the turn's commit: an answer that is not an error is durable.
namespace tandem::queue {

using TaskPtr = std::shared_ptr<const Task>;
template <class T>
using Done = std::function<void(Result<T>)>;

// Who asks. Tasks of others are not_found, but for an admin.
struct Actor {
  ClientId client_id;
  bool admin = false;
};

// ---- asked by clients ----

struct NewTask {
  TaskId task_id;  // made by the caller, as its input files are filed under it
  TaskSpec spec;
  std::vector<FileInfo> inputs;
};

struct Submitted {
  std::vector<TaskPtr> tasks;
  bool replayed = false;  // by the idempotency key or unique_key: these were there before
};

// All or none. Errors: idempotency_key_reused.
struct Submit {
  ClientId client_id;
  std::vector<NewTask> tasks;
  std::string idempotency_key;  // empty: none
  std::string body_sha256;
  Done<Submitted> done;
};

struct Cancelled {
  TaskPtr task;
  bool was_started = false;  // false: it never will be
};
struct Cancel {  // already_finished, not_found
  Actor actor;
  TaskId task_id;
  Done<Cancelled> done;
};

struct Retry {  // task_active, not_found
  Actor actor;
  TaskId task_id;
  Done<TaskPtr> done;
};

// Removes the row. With force an active task is cancelled first, and the answer comes when its
// worker has said that nothing of it runs any more, or was lost. task_active, not_found.
struct Remove {
  Actor actor;
  TaskId task_id;
  bool force = false;
  Done<TaskPtr> done;
};

struct Input {  // not_waiting, not_found
  Actor actor;
  TaskId task_id;
  std::string data;
  bool eof = false;
  std::string request_id;  // empty: whatever the task asks for
  Done<TaskPtr> done;
};

struct Resize {  // not_waiting, not_found
  Actor actor;
  TaskId task_id;
  int cols = 80, rows = 24;
  Done<TaskPtr> done;
};

// From its answer on, `changed` runs on the outbox after each commit that changed the task, with
// the new image; with null once the task is removed. `watch_id` is the caller's, unique per task.
struct Watch {  // not_found
  Actor actor;
  TaskId task_id;
  std::uint64_t watch_id = 0;
  std::function<void(TaskPtr)> changed;
  Done<TaskPtr> done;
};
struct Unwatch {
  TaskId task_id;
  std::uint64_t watch_id = 0;
};

// ---- asked by workers ----

struct AssignOrder {
  TaskPtr task;
  WallTime lease_expires_at;
};
struct CancelOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
};
struct ResizeOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
  int cols = 80, rows = 24;
};
struct LostOrder {  // stop it: it is no longer yours
  TaskId task_id;
  std::uint32_t attempt = 0;
};
using WorkerOrder =
    std::variant<AssignOrder, CancelOrder, store::InputPiece, ResizeOrder, LostOrder>;

// A worker connects; orders run on the command's outbox. A second open replaces the first channel:
// its tasks stay with it, and offers that it has not accepted are given again. It has no free slot
// until it says so.
struct OpenWorker {
  WorkerProfile profile;
  std::function<void(WorkerOrder)> order;
  Done<std::monostate> done;
};
// The worker takes so many tasks more than it has said before: credits, so that an order that is
// still on its way to it is never counted twice.
struct Ready {
  WorkerId worker_id;
  int slots = 0;
};
struct CloseWorker {
  WorkerId worker_id;
};

enum class UpdateKind : std::uint8_t {
  progress, running, waiting_for_input, completed, failed, cancelled, released,
};
struct UpdateAnswer {
  TaskStatus status = TaskStatus::pending;
  bool cancel_requested = false;
  WallTime lease_expires_at;
};
// Errors: stale_attempt, illegal_transition. The same final update again has the same answer.
struct Update {
  WorkerId worker_id;
  TaskId task_id;
  std::uint32_t attempt = 0;
  UpdateKind kind = UpdateKind::progress;
  std::optional<Progress> progress;
  std::optional<InputRequest> input_request;  // with waiting_for_input
  std::string result;
  std::optional<TaskError> error;  // with failed
  std::optional<int> exit_code, signal;
  std::vector<FileInfo> outputs;  // with a final kind
  std::optional<LogTotals> log;
  Done<UpdateAnswer> done;
};

struct Lease {
  TaskId task_id;
  std::uint32_t attempt = 0;
};
// Renews leases; answers those that are not the worker's any more.
struct Heartbeat {
  WorkerId worker_id;
  std::vector<Lease> leases;
  Done<std::vector<Lease>> done;
};

// ---- asked by the server ----

// Runs in the turn's transaction; may use nothing but the accounts, and has written nothing where it
// answers an error.
struct Transact {
  std::function<Result<void>(store::AccountStore&)> run;
  Done<std::monostate> done;
};
// Terminal tasks that finished before, at most `limit`: removes their rows, answers their ids.
struct Purge {
  WallTime finished_before;
  int limit = 500;
  Done<std::vector<TaskId>> done;
};

struct Command {
  Outbox* outbox = nullptr;  // outlives the dispatcher's thread
  std::variant<Submit, Cancel, Retry, Remove, Input, Resize, Watch, Unwatch, OpenWorker, Ready,
               CloseWorker, Update, Heartbeat, Transact, Purge>
      what;
};

}  // namespace tandem::queue
