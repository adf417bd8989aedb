#include "api/worker_change.h"

#include "api/ask.h"

namespace tandem::api {
namespace {

Result<store::WorkerRecord> existing(store::WorkerStore& workers, WorkerId id) {
  auto found = workers.find_worker(id);
  if (!found) return found.error();
  if (!*found) return fail(Errc::not_found, "There is no such worker");
  return std::move(**found);
}

}  // namespace

io::Awaitable<Result<WorkerPtr>> change_worker(Call& call, WorkerId id,
                                               const WorkerChange& change) {
  LiveWorkers& live = call.api.workers;
  WorkerPtr worker;
  std::uint64_t number = 0;
  queue::Transact transact{
      .run = [&live, &change, &worker, &number, id](store::Store& store) -> Result<void> {
        const auto before = existing(store.workers(), id);
        if (!before) return before.error();
        if (auto changed = change(store.workers(), *before); !changed) return changed;
        auto after = existing(store.workers(), id);
        if (!after) return after.error();
        worker = std::make_shared<const store::WorkerRecord>(std::move(*after));
        number = live.next_change();
        return {};
      },
      .is_announced = true,
      .done = {}};
  const auto done = co_await ask(call.services(), call.outbox, std::move(transact));
  if (!done) co_return done.error();
  live.put(worker, number);
  co_return worker;
}

}  // namespace tandem::api
