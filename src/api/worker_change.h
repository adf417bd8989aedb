#pragma once

#include <functional>

#include "api/call.h"
#include "io/asio.h"
#include "store/worker_store.h"

namespace tandem::api {

// Writes what is to be changed of a worker that is as `before`; an error has written nothing. Runs
// on the dispatcher's thread.
using WorkerChange =
    std::function<Result<void>(store::WorkerStore& workers, const store::WorkerRecord& before)>;

// Changes a worker, durably, and then for all requests that come. Answers it as it is after the
// change. Errors: not_found, those of `change`, store_unavailable, disk_full, shutting_down.
io::Awaitable<Result<WorkerPtr>> change_worker(Call& call, WorkerId id, const WorkerChange& change);

}  // namespace tandem::api
