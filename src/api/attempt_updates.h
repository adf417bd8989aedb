#pragma once

#include <functional>
#include <vector>

#include "api/services.h"
#include "wire/update_json.h"

// What a worker says about its attempts, on its way to the dispatcher and back.
namespace tandem::api {

// Each update's answer, by its place among them; all on the outbox, in any order. None comes once
// the dispatcher has stopped.
using UpdateAnswered = std::function<void(std::size_t place, wire::UpdateAnswer answer)>;

// An end is told after the log that is durable by then: what it says of its length is looked up.
void send_updates(const Services& services, Outbox& outbox, WorkerId worker,
                  std::vector<wire::Update> updates, UpdateAnswered answered);

wire::UpdateAnswer wire_answer(TaskId task, std::uint32_t attempt,
                               const Result<queue::UpdateAnswer>& answer);

}  // namespace tandem::api
