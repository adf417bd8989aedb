#pragma once

#include <memory>
#include <vector>

#include "sim/ledger.h"
#include "sim/server.h"
#include "sim/world.h"
#include "store/memory/memory_store.h"

namespace tandem::sim {

// The servers of an installation: one with a store of its own, or several over one database. The
// news of a letter comes late, and in the bad times not at all.
class Cluster {
 public:
  Cluster(World& world, Ledger& ledger, int servers);

  void start();
  void calm_down();  // nothing fails, crashes or stands still from now on
  bool has_several() const { return servers_.size() > 1; }
  Server& any() { return *servers_[world_.random.below(servers_.size())]; }
  // The one that a client's or worker's next connection goes to, as a balancer has it.
  Server& reachable();
  void check_end() const;

 private:
  void misbehave();

  World& world_;
  store::MemoryDatabase database_;
  std::vector<std::unique_ptr<Server>> servers_;
};

}  // namespace tandem::sim
