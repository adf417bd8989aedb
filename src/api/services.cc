#include "api/services.h"

#include "base/assert.h"
#include "queue/dispatcher_thread.h"

namespace tandem::api {

Outbox& LoopDoors::of(const io::Executor& executor) const {
  for (const auto& [one, door] : doors_)
    if (one == executor) return *door;
  assertion_failed("the loop has a door", __FILE__, __LINE__);
}

void Services::post(queue::Command command) const { dispatcher.post(std::move(command)); }

}  // namespace tandem::api
