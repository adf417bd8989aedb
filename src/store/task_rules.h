#pragma once

#include "base/result.h"
#include "core/task.h"

namespace tandem::store {

// What every engine refuses to keep; migrations repeat it as CHECK constraints. An error, internal,
// says that the caller is at fault: a status without the times and the worker that belong to it,
// or a number out of its bounds.
Result<void> check_row(const Task& task);
// illegal_transition where core's table does not allow it; staying is allowed.
Result<void> check_transition(TaskStatus from, TaskStatus to);

}  // namespace tandem::store
