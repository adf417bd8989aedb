#pragma once

#include <functional>

#include "api/services.h"
#include "wire/log_json.h"

namespace tandem::api {

using LogAppended = std::function<void(Result<logs::LogTail>)>;

// Appends to the log of an attempt that the worker holds; renews its lease. `done` runs on the
// outbox once the records are durable, with the log's new end. Errors: stale_attempt,
// range_not_satisfiable where there is a gap before them, those of the log store. Appends of one
// attempt are made in the order of the calls.
void append_log(const Services& services, Outbox& outbox, queue::CheckLease lease,
                wire::LogBatch batch, LogAppended done);

}  // namespace tandem::api
