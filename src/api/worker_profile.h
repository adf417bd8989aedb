#pragma once

#include "api/call.h"
#include "core/lane.h"

namespace tandem::api {

// What a registered worker can take over this channel.
WorkerProfile profile_of(const store::WorkerRecord& worker, WorkerChannel channel);

// The worker may have been revoked while its request was under way; what the request has given it
// goes back with the review of that. Errors: token_revoked.
Result<void> check_still_good(const Call& call);

}  // namespace tandem::api
