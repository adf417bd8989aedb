#pragma once

#include <cstdint>
#include <string>

#include "exec/process.h"
#include "worker/job.h"

namespace tandem::worker {

// Why the worker ended a process; the first reason counts.
enum class StopReason : std::uint8_t { none, cancelled, timeout, input_timeout };

// Tells apart how a process ended: the job's own exit, a signal, want of memory, or the worker's
// reason, which `bounds` helps to tell. Without outputs, log and result.
struct JobBounds {
  std::int64_t timeout_ms = 0, input_timeout_ms = 0;
  exec::ProcessLimits limits;
};
Outcome outcome_of(const exec::ExitTruth& truth, StopReason reason, const JobBounds& bounds);

}  // namespace tandem::worker
