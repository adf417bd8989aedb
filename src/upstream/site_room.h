#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "io/asio.h"
#include "io/offload.h"
#include "queue/dispatcher_thread.h"
#include "store/task_reader.h"

namespace tandem::upstream {

struct SiteParts {
  queue::DispatcherThread& dispatcher;
  store::TaskReader& reader;
  io::OffloadPool& reading;
  const Clock& clock;
  WorkerId embedded_worker;
  int embedded_slots = 0;         // 0: there is no worker inside
  std::int64_t away_ms = 30'000;  // not heard of for so long: it does not count
};

// How many jobs the site's workers could begin now. On the caller's loop.
class SiteRoom {
 public:
  explicit SiteRoom(SiteParts parts) : parts_(parts) {}
  // Free slots of all workers that are there and not draining. Errors: store_unavailable.
  io::Awaitable<Result<std::int64_t>> free_slots(Outbox& outbox);

 private:
  struct Slots {
    std::vector<WorkerId> workers;
    std::vector<int> slots;  // of each
  };
  Result<Slots> read_slots();
  SiteParts parts_;
};

}  // namespace tandem::upstream
