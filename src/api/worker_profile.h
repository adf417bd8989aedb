#pragma once

#include "api/call.h"
#include "core/lane.h"

namespace tandem::api {

// What a registered worker can take over this channel.
WorkerProfile profile_of(const store::WorkerRecord& worker, WorkerChannel channel);

// A request may have been let in just before its worker was revoked, and have given it tasks just
// after: then they go back, and this is token_revoked.
Result<void> check_still_good(const Call& call);

}  // namespace tandem::api
