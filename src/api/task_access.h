#pragma once

#include "api/call.h"
#include "core/task.h"

namespace tandem::api {

// The path's task, as it is in the store, where it is the caller's; not_found for a task that is
// not there and for one of another client, the same for both. store_unavailable.
io::Awaitable<Result<Task>> find_task(const Call& call);

}  // namespace tandem::api
