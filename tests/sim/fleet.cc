#include "sim/fleet.h"

namespace tandem::sim {

void Fleet::start(std::int64_t until_ms) {
  until_ms_ = until_ms;
  for (auto& [id, member] : members_)
    if (member.may_be_revoked && world_.random.chance(0.5))
      world_.after(world_.random.between(1000, until_ms), [this, worker = id] { revoke(worker); });
  meddle();
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
  server_.post({&outbox_, queue::DrainWorker{.worker_id = id, .draining = draining}});
}

// Repeated until it is answered. The gate is closed before.
void Fleet::revoke(WorkerId id) {
  members_[id].revoked = true;
  ledger_.revoking(id);
  queue::RevokeWorker revoke{.worker_id = id, .done = nullptr};
  revoke.done = [this, id](const Result<std::monostate>& answer) {
    if (answer) ledger_.revoked(id);
  };
  server_.post({&outbox_, std::move(revoke)});
  world_.after(200, [this, id] {
    if (!ledger_.is_revoked(id)) this->revoke(id);
  });
}

}  // namespace tandem::sim
