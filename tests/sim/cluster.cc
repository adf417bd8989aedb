#include "sim/cluster.h"

namespace tandem::sim {

Cluster::Cluster(World& world, Ledger& ledger, int servers) : world_(world) {
  store::MemoryDatabase* const shared = servers > 1 ? &database_ : nullptr;
  for (int i = 0; i < servers; ++i) {
    const int slots = static_cast<int>(world.random.below(3));
    servers_.push_back(std::make_unique<Server>(world, ledger, shared, i, slots));
    ObservedStore& store = servers_.back()->store();
    store.crash_chance = world.random.chance(0.8) ? 0.01 : 0;
    store.fail_chance = world.random.chance(0.5) ? 0.005 : 0;
    store.on_letter = [this](ServerId to) {
      for (const auto& server : servers_)
        if (server->id() == to) world_.send([&server] { server->ring(); });
    };
  }
}

void Cluster::start() {
  for (const auto& server : servers_) server->start();
  if (has_several()) misbehave();
}

void Cluster::misbehave() {
  if (!world_.faults) return;
  world_.after(100, [this] { misbehave(); });
  for (const auto& server : servers_)
    if (world_.random.chance(0.004)) server->freeze(world_.random.between(300, 12'000));
}

void Cluster::calm_down() {
  world_.faults = false;
  for (const auto& server : servers_)
    server->store().crash_chance = server->store().fail_chance = 0;
}

Server& Cluster::reachable() {
  for (std::size_t tries = 0; tries < servers_.size(); ++tries)
    if (Server& server = any(); server.up()) return server;
  return any();
}

void Cluster::check_end() const {
  for (const auto& server : servers_) server->channels().check_end();
}

}  // namespace tandem::sim
