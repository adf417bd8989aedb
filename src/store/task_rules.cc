#include "store/task_rules.h"

#include <string>

#include "base/limits.h"

namespace tandem::store {
namespace {

const char* broken_rule(const Task& task) {
  if (task.task_id.is_nil()) return "has no id";
  if (task.status == TaskStatus::scheduled && !task.run_at) return "is scheduled without run_at";
  if (task.status == TaskStatus::pending && !task.queued_at) return "is pending without queued_at";
  if (is_leased(task.status) && (task.worker_id.is_nil() || task.attempt == 0))
    return "is leased to nobody";
  if (is_terminal(task.status) != task.finished_at.has_value())
    return "has finished_at without having finished, or the other way round";
  if (task.spec.priority < limits::kMinPriority || task.spec.priority > limits::kMaxPriority)
    return "has a priority out of bounds";
  if (task.spec.max_attempts < 1 || task.spec.max_attempts > limits::kMaxAttempts)
    return "has max_attempts out of bounds";
  if (task.first_attempt < 1) return "has first_attempt 0";
  return nullptr;
}

}  // namespace

Result<void> check_row(const Task& task) {
  if (const char* rule = broken_rule(task))
    return fail(Errc::internal, std::string("The task ") + rule);
  return {};
}

Result<void> check_transition(TaskStatus from, TaskStatus to) {
  if (from == to || may_follow(from, to)) return {};
  return fail(Errc::illegal_transition, "A task can't go from " + std::string(to_string(from)) +
                                            " to " + std::string(to_string(to)));
}

}  // namespace tandem::store
