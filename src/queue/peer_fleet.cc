#include <algorithm>
#include <memory>
#include <utility>

#include "queue/dispatcher.h"

// What all servers together know of workers.
namespace tandem::queue {
namespace {

constexpr std::int64_t kToldWithinMs = 1000;

// What one more server knows.
void add(wire::WorkerState& worker, const wire::WorkerState& more) {
  const bool is_later = more.last_seen_at > worker.last_seen_at;
  if (more.channel && (is_later || !worker.channel)) worker.channel = more.channel;
  worker.last_seen_at = std::max(worker.last_seen_at, more.last_seen_at);
  worker.tasks.insert(worker.tasks.end(), more.tasks.begin(), more.tasks.end());
}

void add(std::vector<wire::WorkerState>& workers, const std::vector<wire::WorkerState>& more) {
  std::unordered_map<WorkerId, const wire::WorkerState*> by_id;
  for (const wire::WorkerState& one : more) by_id.emplace(one.worker_id, &one);
  for (wire::WorkerState& worker : workers)
    if (const auto found = by_id.find(worker.worker_id); found != by_id.end())
      add(worker, *found->second);
}

}  // namespace

struct Peers::Inspection {
  Outbox* outbox = nullptr;
  Done<std::vector<wire::WorkerState>> done;
  std::vector<wire::WorkerState> workers;
  std::size_t missing = 0;  // answers
};

void Peers::finish(Inspection& inspection) {
  dispatcher_.turn_.outgoing.answer(
      inspection.outbox, inspection.done,
      Result<std::vector<wire::WorkerState>>(std::move(inspection.workers)));
}

void Peers::apply(Outbox* outbox, InspectWorkers& command) {
  const auto inspection = std::make_shared<Inspection>();
  inspection->outbox = outbox;
  inspection->done = std::move(command.done);
  for (const WorkerId& id : command.workers)
    inspection->workers.push_back(dispatcher_.state_of(id));
  if (!command.everywhere || !any()) return finish(*inspection);
  inspection->missing = alive_.size();
  const MonoTime until = dispatcher_.turn_.mono + kToldWithinMs;
  for (const ServerId& server : alive_) {
    const auto told = [this, inspection](const Result<wire::WorkersTold>& answer) {
      if (answer) add(inspection->workers, answer->workers);
      if (--inspection->missing == 0) finish(*inspection);
    };
    write(server, wire::WorkersAsked{fleet_asks_.add(until, told), command.workers});
  }
}

Result<void> Peers::read(ServerId from, wire::WorkersAsked& asked) {
  wire::WorkersTold told{.number = asked.number, .workers = {}};
  for (const WorkerId& id : asked.workers) {
    wire::WorkerState state = dispatcher_.state_of(id);
    if (state.last_seen_at || !state.tasks.empty()) told.workers.push_back(std::move(state));
  }
  write(from, told);
  return {};
}

Result<void> Peers::read(ServerId, wire::WorkersTold& told) {
  fleet_asks_.answered(told.number, told);
  return {};
}

}  // namespace tandem::queue
