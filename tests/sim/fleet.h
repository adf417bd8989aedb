#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "sim/cluster.h"
#include "sim/ledger.h"
#include "sim/world.h"

namespace tandem::sim {

// An admin who drains workers, lets them go on, and revokes them, at whichever server answers.
class Fleet {
 public:
  Fleet(World& world, Ledger& ledger, Cluster& cluster)
      : world_(world), ledger_(ledger), cluster_(cluster), outbox_(world) {}

  void add(WorkerId id, bool may_be_revoked) { members_[id].may_be_revoked = may_be_revoked; }
  void start(std::int64_t until_ms);

  // The admin was told so, and has asked for nothing else since.
  bool is_draining(WorkerId id) const { return members_.at(id).draining; }
  // Grows with each change that is asked for, and each that is answered.
  int changes(WorkerId id) const { return members_.at(id).changes; }

 private:
  struct Member {
    bool may_be_revoked = false, wants_draining = false, draining = false, is_changing = false;
    int changes = 0;
  };
  struct Change {
    WorkerId worker;
    std::function<Result<void>(store::WorkerStore&)> write;
    std::function<void()> settled;
    bool is_done = false;
  };
  using ChangePtr = std::shared_ptr<Change>;

  void meddle();
  void drain(WorkerId id, bool draining);
  void revoke(WorkerId id);
  void ask_for(const ChangePtr& change);
  void review(const ChangePtr& change, Server& server);

  World& world_;
  Ledger& ledger_;
  Cluster& cluster_;
  WorldOutbox outbox_;
  std::int64_t until_ms_ = 0;
  std::map<WorkerId, Member> members_;
};

}  // namespace tandem::sim
