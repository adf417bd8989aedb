#include "core/task_status.h"

#include "base/assert.h"

namespace tandem {
namespace {

struct StatusRow {
  TaskStatus status;
  std::string_view name;
  bool settable_by_worker;
  StatusSet next;
};

using enum TaskStatus;

constexpr std::array<StatusRow, kTaskStatusCount> kRows = {{
    // A scheduled task's time comes, or it is cancelled, or its queue_timeout passes.
    {scheduled, "scheduled", false, {pending, failed, cancelled}},
    // Offered to a worker; straight to running where the server's own worker takes it, for which
    // offer and acceptance are one.
    {pending, "pending", false, {assigned, running, failed, cancelled}},
    // Accepted; or not accepted in time and offered again; or so short that its final update comes
    // first; or lost with its worker.
    {assigned, "assigned", false, {pending, scheduled, running, completed, failed, cancelled}},
    {running,
     "running",
     true,
     {waiting_for_input, completed, failed, cancelled, pending, scheduled}},
    {waiting_for_input,
     "waiting_for_input",
     true,
     {running, completed, failed, cancelled, pending, scheduled}},
    // Only an explicit retry leaves a terminal status, by a new attempt.
    {completed, "completed", true, {pending}},
    {failed, "failed", true, {pending}},
    {cancelled, "cancelled", true, {pending}},
}};

const StatusRow& row(TaskStatus status) {
  const auto index = static_cast<std::size_t>(status);
  TANDEM_ASSERT(index < kRows.size() && kRows[index].status == status);
  return kRows[index];
}

}  // namespace

std::string_view to_string(TaskStatus status) { return row(status).name; }

std::optional<TaskStatus> task_status_from(std::string_view name) {
  for (const StatusRow& entry : kRows)
    if (entry.name == name) return entry.status;
  return std::nullopt;
}

bool is_terminal(TaskStatus status) {
  return status == completed || status == failed || status == cancelled;
}

bool is_leased(TaskStatus status) {
  return status == assigned || status == running || status == waiting_for_input;
}

bool is_settable_by_worker(TaskStatus status) { return row(status).settable_by_worker; }

bool may_follow(TaskStatus from, TaskStatus to) { return row(from).next.contains(to); }

}  // namespace tandem
