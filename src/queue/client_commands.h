#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/task.h"

// What clients ask of the dispatcher; see commands.h.
namespace tandem::queue {

using TaskPtr = std::shared_ptr<const Task>;
template <class T>
using Done = std::function<void(Result<T>)>;

// Who asks. Tasks of others are not_found, but for an admin.
struct Actor {
  ClientId client_id;
  bool admin = false;
};

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
  bool was_started = false;  // or may have been; false: it never will be
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

}  // namespace tandem::queue
