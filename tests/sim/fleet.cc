#include "sim/fleet.h"

#include <utility>

namespace tandem::sim {
namespace {

constexpr std::int64_t kHeardByAllMs = 30'000;

}  // namespace

void Fleet::start(std::int64_t until_ms) {
  until_ms_ = until_ms;
  for (auto& [id, member] : members_)
    if (member.may_be_revoked && world_.random.chance(0.5))
      world_.after(world_.random.between(1000, until_ms), [this, worker = id] { revoke(worker); });
  meddle();
  if (cluster_.has_several()) insist();
}

// What was told to a server that died at once may have reached no other one: an admin looks after.
void Fleet::insist() {
  world_.after(5'000, [this] { insist(); });
  for (const auto& [id, member] : members_) tell(id, member.draining);
}

void Fleet::meddle() {
  const bool is_last = world_.now() > until_ms_;
  for (auto& [id, member] : members_)
    if (member.draining ? is_last || world_.random.chance(0.5) : world_.random.chance(0.15))
      drain(id, !member.draining && !is_last);
  if (!is_last) world_.after(world_.random.between(200, 1200), [this] { meddle(); });
}

void Fleet::drain(WorkerId id, bool draining) {
  members_[id].draining = draining;
  ++members_[id].changes;
  tell(id, draining);
}

void Fleet::tell(WorkerId id, bool draining) {
  cluster_.reachable().post({&outbox_, queue::DrainWorker{.worker_id = id, .draining = draining}});
}

// Repeated until it is answered. The gate is closed before.
void Fleet::revoke(WorkerId id) {
  members_[id].revoked = true;
  ledger_.revoking(id);
  queue::RevokeWorker revoke{.worker_id = id, .done = nullptr};
  revoke.done = [this, id](const Result<std::monostate>& answer) {
    Member& member = members_[id];
    if (!answer || std::exchange(member.is_gone, true)) return;
    // The other servers hear of it by letter, however long they are down.
    world_.after(cluster_.has_several() ? kHeardByAllMs : 0, [this, id] { ledger_.revoked(id); });
  };
  cluster_.any().post({&outbox_, std::move(revoke)});
  world_.after(200, [this, id] {
    if (!members_[id].is_gone) this->revoke(id);
  });
}

}  // namespace tandem::sim
