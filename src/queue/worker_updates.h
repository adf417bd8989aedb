#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/client_commands.h"
#include "store/store.h"

// What workers tell the dispatcher of their attempts; see commands.h.
namespace tandem::queue {

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
  std::vector<store::InputPiece> input;  // behind Update::input_seq, where that is given
};
// Errors: stale_attempt, illegal_transition. The same final update again has the same answer.
struct Update {
  WorkerId worker_id;
  TaskId task_id;
  std::uint32_t attempt = 0;
  UpdateKind kind = UpdateKind::progress;
  std::optional<Progress> progress;
  std::optional<InputRequest> input_request;  // with waiting_for_input
  std::optional<std::uint64_t> asked_behind;  // the last piece that the job had as it asked
  std::string result;
  std::optional<TaskError> error;  // with failed
  std::optional<int> exit_code, signal;
  std::optional<std::vector<FileInfo>> outputs;  // with a final kind; none: those of AddOutput
  std::optional<LogTotals> log;
  std::optional<std::uint64_t> input_seq;  // the last piece that the job was given
  Done<UpdateAnswer> done;
};

struct Lease {
  TaskId task_id;
  std::uint32_t attempt = 0;
  std::optional<std::uint64_t> input_seq = {};  // as in Update: what lies behind is ordered again
};
struct HeartbeatAnswer {
  std::vector<Lease> renewed;
  std::vector<Lease> lost;  // not the worker's any more; those in neither list: ask again
};
// Renews leases; an offer that was not accepted is none. Costs no store call.
struct Heartbeat {
  WorkerId worker_id;
  std::vector<Lease> leases;
  Done<HeartbeatAnswer> done;
};
// The task, where the attempt is leased to the worker; renews the lease. Error: stale_attempt.
struct CheckLease {
  WorkerId worker_id;
  Lease lease;
  Done<TaskPtr> done;
};
// An output of the attempt is there; takes the place of one of its name. Error: stale_attempt.
struct AddOutput {
  WorkerId worker_id;
  Lease lease;
  FileInfo file;
  Done<TaskPtr> done;
};

}  // namespace tandem::queue
