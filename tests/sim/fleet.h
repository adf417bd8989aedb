#pragma once

#include <cstdint>
#include <map>

#include "sim/cluster.h"
#include "sim/ledger.h"
#include "sim/world.h"

namespace tandem::sim {

// The gate for workers, and an admin who drains them, lets them go on, and revokes them. What it
// knows is durable.
class Fleet {
 public:
  Fleet(World& world, Ledger& ledger, Cluster& cluster)
      : world_(world), ledger_(ledger), cluster_(cluster), outbox_(world) {}

  void add(WorkerId id, bool may_be_revoked) { members_[id].may_be_revoked = may_be_revoked; }
  void start(std::int64_t until_ms);

  bool admits(WorkerId id) const { return !members_.at(id).revoked; }
  bool is_draining(WorkerId id) const { return members_.at(id).draining; }
  // Grows with each drain and each end of one.
  int changes(WorkerId id) const { return members_.at(id).changes; }

 private:
  struct Member {
    bool may_be_revoked = false, revoked = false, draining = false;
    bool is_gone = false;  // a server has said so
    int changes = 0;
  };
  void meddle();
  void insist();
  void drain(WorkerId id, bool draining);
  void tell(WorkerId id, bool draining);
  void revoke(WorkerId id);

  World& world_;
  Ledger& ledger_;
  Cluster& cluster_;
  WorldOutbox outbox_;
  std::int64_t until_ms_ = 0;
  std::map<WorkerId, Member> members_;
};

}  // namespace tandem::sim
