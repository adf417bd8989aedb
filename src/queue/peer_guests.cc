#include "queue/peer_guests.h"

#include <utility>

namespace tandem::queue {

void PeerGuests::put(ServerId server, std::vector<wire::FreeSlots::Group> groups, MonoTime now) {
  servers_.insert_or_assign(server, Server{std::move(groups), now + kBelievedMs});
}

void PeerGuests::expire(MonoTime now) {
  std::erase_if(servers_, [now](const auto& entry) { return entry.second.until <= now; });
}

std::vector<PeerGuests::Open> PeerGuests::all_open() {
  std::vector<Open> open;
  for (auto& [id, server] : servers_)
    for (wire::FreeSlots::Group& group : server.groups)
      if (group.slots > 0) open.push_back({id, &group});
  return open;
}

std::vector<const WorkerProfile*> PeerGuests::waiting() const {
  std::vector<const WorkerProfile*> profiles;
  for (const auto& [id, server] : servers_)
    for (const wire::FreeSlots::Group& group : server.groups)
      if (group.slots > 0) profiles.push_back(&group.profile);
  return profiles;
}

}  // namespace tandem::queue
