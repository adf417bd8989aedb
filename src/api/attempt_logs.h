#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "api/services.h"
#include "wire/log_json.h"

namespace tandem::api {

// The records up to `seq` are durable. `gap`: those of the call were not taken, since some are
// missing before them (range_not_satisfiable).
struct LogCommitted {
  std::uint64_t seq = 0;
  std::optional<Error> gap;
};
using LogAppended = std::function<void(Result<LogCommitted>)>;

// Appends to the log of an attempt that the worker holds; renews its lease. `done` runs on the
// outbox once the records are durable. Errors: stale_attempt, those of the log store. Appends of
// one attempt are made in the order of the calls.
void append_log(const Services& services, Outbox& outbox, queue::CheckLease lease,
                wire::LogBatch batch, LogAppended done);

}  // namespace tandem::api
