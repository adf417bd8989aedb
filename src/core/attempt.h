#pragma once

#include <string_view>

#include "base/clock.h"
#include "core/task.h"

namespace tandem {

// The values of `error.code` that the product itself gives.
namespace error_code {
inline constexpr std::string_view kExitStatus = "exit_status";
inline constexpr std::string_view kSignal = "signal";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kQueueTimeout = "queue_timeout";
inline constexpr std::string_view kOutOfMemory = "out_of_memory";
inline constexpr std::string_view kWorkerLost = "worker_lost";
inline constexpr std::string_view kNoHandler = "no_handler";
inline constexpr std::string_view kRejected = "rejected";
inline constexpr std::string_view kUploadFailed = "upload_failed";
inline constexpr std::string_view kInputTimeout = "input_timeout";
}  // namespace error_code

// Pure changes of a task, each from a legal status only (asserted). `now` is written to updated_at
// and to the time that belongs to the new status.

// A fresh task: scheduled where run_at or delay lies ahead, else pending.
Task make_task(TaskId id, ClientId client, TaskSpec spec, WallTime now);

void become_pending(Task& task, WallTime now);
// A new attempt is offered to a worker.
void assign(Task& task, WorkerId worker, std::string_view worker_name, WallTime now);
void accept(Task& task, WallTime now);
// Takes back an offer that was not accepted, or a task that its worker gave back: the attempt's
// number stays used (numbers only grow) but does not count against max_attempts.
void release(Task& task, WallTime now);
void complete(Task& task, WallTime now);
void cancel(Task& task, WallTime now);
// The attempt failed: retried (scheduled) where attempts are left and the error allows it, else
// failed. A cancel that was asked for makes it cancelled instead.
void fail_attempt(Task& task, TaskError error, WallTime now);
// An explicit retry of a terminal task: pending, with max_attempts fresh attempts.
void retry(Task& task, WallTime now);

// False: no attempt was begun so far, nor can the one that is offered have been. True also where an
// offer was given back, of which nobody knows any more whether it was begun.
bool may_have_started(const Task& task);

// Attempts that count against max_attempts, the current one included.
bool attempts_left(const Task& task);
// No other attempt can mend these: no_handler, rejected, queue_timeout.
bool is_retryable(std::string_view error_code);

}  // namespace tandem
