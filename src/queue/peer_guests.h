#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "queue/ready_lanes.h"
#include "wire/peer_letters.h"

namespace tandem::queue {

// Workers of other servers that wait for tasks, as those servers have said. A hint that ages: what
// was said is believed for kBelievedMs. One thread.
class PeerGuests {
 public:
  static constexpr std::int64_t kBelievedMs = 3000;

  void put(ServerId server, std::vector<wire::FreeSlots::Group> groups, MonoTime now);
  void forget(ServerId server) { servers_.erase(server); }
  void expire(MonoTime now);
  bool empty() const { return servers_.empty(); }
  // What can be taken, one profile for each group with a free slot.
  std::vector<const WorkerProfile*> waiting() const;

  // Calls `give` for each group with a free slot in turn, until it has answered false for every
  // group or no slot is left. true: it has given a task to a worker of that server.
  template <class Give>
  void serve(const Give& give) {
    std::vector<Open> open = all_open();
    while (!open.empty())
      std::erase_if(open, [&give](Open& one) {
        if (!give(one.server, one.group->profile)) return true;
        return --one.group->slots <= 0;
      });
  }

 private:
  struct Server {
    std::vector<wire::FreeSlots::Group> groups;
    MonoTime until;
  };
  struct Open {
    ServerId server;
    wire::FreeSlots::Group* group;
  };
  std::vector<Open> all_open();
  std::map<ServerId, Server> servers_;
};

}  // namespace tandem::queue
