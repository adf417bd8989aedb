#include "upstream/site_room.h"

#include <algorithm>
#include <utility>

#include "upstream/ask.h"

namespace tandem::upstream {

// Blocks.
Result<SiteRoom::Slots> SiteRoom::read_slots() {
  constexpr int kPage = 500;
  Slots all;
  if (parts_.embedded_slots > 0) {
    all.workers.push_back(parts_.embedded_worker);
    all.slots.push_back(parts_.embedded_slots);
  }
  std::optional<WorkerId> after;
  for (;;) {
    auto page = parts_.reader.list_workers(after, kPage);
    if (!page) return page.error();
    for (const store::WorkerRecord& worker : *page) {
      after = worker.worker_id;
      if (worker.draining || worker.revoked_at) continue;
      all.workers.push_back(worker.worker_id);
      all.slots.push_back(worker.slots);
    }
    if (page->size() < static_cast<std::size_t>(kPage)) return all;
  }
}

io::Awaitable<Result<std::int64_t>> SiteRoom::free_slots(Outbox& outbox) {
  auto read = [this] { return read_slots(); };
  auto slots = co_await io::offload(parts_.reading, read);
  if (!slots) co_return slots.error();
  queue::InspectWorkers inspect{.workers = std::move(slots->workers)};
  auto states = co_await ask(parts_.dispatcher, outbox, std::move(inspect));
  if (!states) co_return states.error();
  const WallTime now = parts_.clock.wall();
  std::int64_t free = 0;
  for (std::size_t i = 0; i < states->size(); ++i) {
    const wire::WorkerState& state = (*states)[i];
    const bool was_heard = state.last_seen_at && now - *state.last_seen_at < parts_.away_ms;
    if (!state.channel && !was_heard) continue;
    const auto taken = static_cast<std::int64_t>(state.tasks.size());
    free += std::max<std::int64_t>(0, slots->slots[i] - taken);
  }
  co_return free;
}

}  // namespace tandem::upstream
