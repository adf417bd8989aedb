#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/lane.h"
#include "queue/client_commands.h"
#include "store/store.h"

// What workers tell the dispatcher and are told by it; see commands.h.
namespace tandem::queue {

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
  progress,
  running,
  waiting_for_input,
  completed,
  failed,
  cancelled,
  released,
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

}  // namespace tandem::queue
