#pragma once

#include "api/call.h"
#include "core/lane.h"

namespace tandem::api {

// What a registered worker can take over this channel.
WorkerProfile profile_of(const store::WorkerRecord& worker, WorkerChannel channel);

}  // namespace tandem::api
