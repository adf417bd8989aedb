#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/lane.h"
#include "wire/worker_state.h"

// What servers of one installation write to one another. A server that is newer may write what this
// one does not know.
namespace tandem::wire {

enum class AskKind : std::uint8_t { cancel, input, resize, remove };

// A client asked another server to do this to a task that the reader holds. `number` is the
// sender's, for the answer.
struct TaskAsk {
  std::uint64_t number = 0;
  AskKind kind = AskKind::cancel;
  ClientId client_id;
  bool admin = false;
  TaskId task_id;
  std::string data, request_id;  // input
  bool eof = false;              // input
  int cols = 0, rows = 0;        // resize
  bool force = false;            // remove
};
struct TaskAnswer {
  std::uint64_t number = 0;
  std::optional<Error> error;
  bool was_started = false;
};

// This worker speaks to the sender now: its tasks are to follow it.
struct WorkerCame {
  WorkerId worker_id;
};
// These are the reader's from now on. Of a worker: the answer to WorkerCame, empty where it had
// none; nil: they wait for a worker, and the reader has one.
struct TasksGiven {
  WorkerId worker_id;
  std::vector<TaskId> tasks;
};

// For how many tasks of which kinds the sender has workers that wait. Takes the place of what it
// said before.
struct FreeSlots {
  struct Group {
    WorkerProfile profile;  // what it can take; no worker_id, no name
    int slots = 0;
  };
  std::vector<Group> groups;
};

// The sender has those who watch these tasks: it is to hear of each change.
struct TasksWatched {
  std::vector<TaskId> tasks;
};
struct TasksChanged {
  std::vector<TaskId> tasks;
};

// Clients or workers were made, changed or removed.
struct AccountsChanged {};

// Somebody wants to know about these workers. The answer has those of which the reader knows
// something.
struct WorkersAsked {
  std::uint64_t number = 0;
  std::vector<WorkerId> workers;
};
struct WorkersTold {
  std::uint64_t number = 0;
  std::vector<WorkerState> workers;
};

using PeerLetter =
    std::variant<TaskAsk, TaskAnswer, WorkerCame, TasksGiven, FreeSlots, TasksWatched, TasksChanged,
                 AccountsChanged, WorkersAsked, WorkersTold>;

std::string encode_letter(const PeerLetter& letter);
// Errors: bad_json; not_implemented where it is of an unknown kind; validation_failed.
Result<PeerLetter> decode_letter(std::string_view text);

}  // namespace tandem::wire
