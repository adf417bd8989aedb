#include "sim/fleet.h"

#include <utility>

namespace tandem::sim {
namespace {

// By then each server has moved again, and has read the records anew.
constexpr std::int64_t kHeardByAllMs = 30'000;

// A worker is registered with the first change of it.
Result<void> enroll(store::WorkerStore& workers, WorkerId id) {
  const auto found = workers.find_worker(id);
  if (!found) return found.error();
  if (*found) return {};
  store::WorkerRecord record;
  record.worker_id = id;
  record.name = "remote";
  record.token_sha256 = to_string(id);
  return workers.insert_worker(record);
}

}  // namespace

void Fleet::start(std::int64_t until_ms) {
  until_ms_ = until_ms;
  for (auto& [id, member] : members_)
    if (member.may_be_revoked && world_.random.chance(0.5))
      world_.after(world_.random.between(1000, until_ms), [this, worker = id] { revoke(worker); });
  meddle();
}

void Fleet::meddle() {
  const bool is_last = world_.now() > until_ms_;
  bool is_over = is_last;
  for (auto& [id, member] : members_) {
    is_over = is_over && !member.wants_draining && !member.is_changing;
    if (member.is_changing) continue;
    if (member.wants_draining ? is_last || world_.random.chance(0.5) : world_.random.chance(0.15))
      drain(id, !member.wants_draining && !is_last);
  }
  if (!is_over) world_.after(world_.random.between(200, 1200), [this] { meddle(); });
}

void Fleet::drain(WorkerId id, bool draining) {
  Member& member = members_[id];
  member.wants_draining = draining;
  member.draining = false;
  member.is_changing = true;
  ++member.changes;
  const auto change = std::make_shared<Change>();
  change->worker = id;
  change->write = [id, draining](store::WorkerStore& workers) -> Result<void> {
    const auto set = workers.set_draining(id, draining);
    return set ? Result<void>() : set.error();
  };
  change->settled = [this, id, draining] {
    members_[id].draining = draining;
    members_[id].is_changing = false;
    ++members_[id].changes;
  };
  ask_for(change);
}

void Fleet::revoke(WorkerId id) {
  ledger_.revoking(id);
  const auto change = std::make_shared<Change>();
  change->worker = id;
  change->write = [this, id](store::WorkerStore& workers) -> Result<void> {
    const auto revoked = workers.revoke_worker(id, world_.wall(), "simulated");
    return revoked ? Result<void>() : revoked.error();
  };
  change->settled = [this, id] {
    world_.after(cluster_.has_several() ? kHeardByAllMs : 0, [this, id] { ledger_.revoked(id); });
  };
  ask_for(change);
}

// Repeated until it is answered; then what is still on its way changes nothing more.
void Fleet::ask_for(const ChangePtr& change) {
  if (change->is_done) return;
  Server& server = cluster_.reachable();
  queue::Transact transact{.run = [change](store::Store& store) -> Result<void> {
                             if (change->is_done) return fail(Errc::conflict, "It was repeated");
                             if (auto known = enroll(store.workers(), change->worker); !known)
                               return known;
                             return change->write(store.workers());
                           },
                           .is_announced = true,
                           .done = nullptr};
  transact.done = [this, change, &server,
                   life = server.life()](const Result<std::monostate>& answer) {
    if (answer && life == server.life()) review(change, server);
  };
  server.post({&outbox_, std::move(transact)});
  world_.after(200, [this, change] { ask_for(change); });
}

void Fleet::review(const ChangePtr& change, Server& server) {
  server.read_workers();
  queue::ReviewWorkers review{.workers = {change->worker}, .done = nullptr};
  review.done = [change](const Result<std::monostate>& answer) {
    if (answer && !std::exchange(change->is_done, true)) change->settled();
  };
  server.post({&outbox_, std::move(review)});
}

}  // namespace tandem::sim
