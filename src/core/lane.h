#pragma once

#include <string>
#include <vector>

#include "core/task.h"

namespace tandem {

// Everything about a task that decides who may take it, and whose turn it is. Tasks of one lane
// are alike to every worker: within it, higher priority first, then first in, first out.
struct LaneKey {
  ClientId client_id;
  std::string queue;
  std::string job_type;
  Assignment assignment = Assignment::any;
  std::vector<std::string> requires_labels;  // sorted
  auto operator<=>(const LaneKey&) const = default;
};

LaneKey lane_of(const Task& task);

enum class WorkerChannel : std::uint8_t { push, polling };

// What a worker can take. Empty job_types or queues: any.
struct WorkerProfile {
  WorkerId worker_id;
  std::string name;
  WorkerChannel channel = WorkerChannel::push;
  Labels labels;  // {"gpu": ""} satisfies "gpu"; {"zone": "eu"} satisfies "zone" and "zone=eu"
  std::vector<std::string> job_types;
  std::vector<std::string> queues;
  // The server's own worker: it can't be cut off from the server, so offer and acceptance are one,
  // and it holds its tasks without a lease, for as long as the server lives.
  bool in_process = false;
  bool draining = false;  // it is given nothing
};

bool may_take(const WorkerProfile& worker, const LaneKey& lane);

}  // namespace tandem
