#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "core/lane.h"
#include "core/task_status.h"

namespace tandem::wire {

struct HeldTask {
  TaskId task_id;
  std::uint32_t attempt = 0;
  TaskStatus status = TaskStatus::assigned;
};

// What servers know of a worker's doings, in their memory alone.
struct WorkerState {
  WorkerId worker_id;
  std::optional<WorkerChannel> channel;  // none: not connected, no poll waits
  std::optional<WallTime> last_seen_at;  // since the server has started
  std::vector<HeldTask> tasks;           // that it holds
};

}  // namespace tandem::wire
