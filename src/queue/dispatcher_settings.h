#pragma once

#include <cstdint>
#include <functional>

#include "base/id.h"
#include "base/limits.h"
#include "base/result.h"
#include "core/task.h"

namespace tandem::queue {

// Whether this server may take such a task: validation_failed where not.
using SpecCheck = std::function<Result<void>(const TaskSpec&)>;

// What the record of a worker says, which is older and younger than any channel of it.
enum class WorkerStanding { good, draining, revoked };
using StandingOf = std::function<WorkerStanding(WorkerId)>;

struct DispatcherSettings {
  std::int64_t lease_ms = 30'000;
  std::int64_t accept_timeout_ms = 15'000;
  std::int64_t reconnect_ms = 1500;  // for a worker whose channel broke to be heard of again
  std::size_t ready_window = limits::kReadyWindow;  // pending tasks of a lane kept in memory
  int read_batch = 256;      // pending tasks read at a time: bounds the length of a turn
  WorkerId embedded_worker;  // its tasks died with the server's last run
  SpecCheck check_spec;      // of what is submitted in SQL; empty: it may take all
  StandingOf standing_of;    // counts before WorkerProfile::draining; empty: nobody is revoked
};

}  // namespace tandem::queue
