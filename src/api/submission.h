#pragma once

#include <string>

#include "api/call.h"
#include "base/result.h"
#include "core/task.h"
#include "net/response.h"
#include "queue/commands.h"

// What submissions of JSON and of multipart have in common.
namespace tandem::api {

// The header Idempotency-Key; empty where there is none. validation_failed where it is not fit.
Result<std::string> idempotency_key(const net::RequestHead& head);
// A job handed in through polling is for those who poll. validation_failed where it says otherwise.
Result<void> settle_assignment(const Call& call, TaskSpec& spec);
// The answer to a submission of one task: 201, or 200 where the task was there before.
net::Response submitted_answer(Call& call, const queue::Submitted& submitted);

}  // namespace tandem::api
