#include "queue/worker_room.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace tandem::queue {

Worker* WorkerRoom::find(WorkerId id) {
  const auto found = guests_.find(id);
  return found == guests_.end() ? nullptr : &found->second.worker;
}

Worker& WorkerRoom::put(Worker worker) {
  const WorkerId id = worker.profile.worker_id;
  remove(id);
  const WorkerProfile& profile = worker.profile;
  GroupKey key{profile.channel, profile.labels, profile.job_types, profile.queues};
  const auto group = groups_.try_emplace(std::move(key)).first;
  ++group->second.workers;
  Guest& guest = guests_.insert_or_assign(id, Guest{std::move(worker), group, {}}).first->second;
  if (guest.worker.poll) ends_.emplace(guest.worker.poll->until, id);
  stand(guest);
  return guest.worker;
}

void WorkerRoom::remove(WorkerId id) {
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;
  Guest& guest = found->second;
  if (guest.worker.poll) ends_.erase({guest.worker.poll->until, id});
  if (guest.place) guest.group->second.waiting.erase(*guest.place);
  guest.group->second.slots -= guest.counted;
  if (--guest.group->second.workers == 0) groups_.erase(guest.group);
  guests_.erase(found);
}

void WorkerRoom::set_slots(Worker& worker, int slots) {
  worker.slots_free = std::max(0, slots);
  stand(guests_.at(worker.profile.worker_id));
}

bool WorkerRoom::set_draining(WorkerId id, bool draining) {
  const auto found = guests_.find(id);
  if (found == guests_.end()) return false;
  const bool was = std::exchange(found->second.worker.profile.draining, draining);
  stand(found->second);
  return was != draining;
}

std::vector<WorkerId> WorkerRoom::workers() const {
  std::vector<WorkerId> ids;
  ids.reserve(guests_.size());
  for (const auto& [id, guest] : guests_) ids.push_back(id);
  return ids;
}

void WorkerRoom::stand(Guest& guest) {
  std::list<WorkerId>& line = guest.group->second.waiting;
  const bool waits = guest.worker.slots_free > 0 && !guest.worker.profile.draining;
  const int slots = waits ? guest.worker.slots_free : 0;
  guest.group->second.slots += slots - std::exchange(guest.counted, slots);
  if (waits && !guest.place) {
    guest.place = line.insert(line.end(), guest.worker.profile.worker_id);
  } else if (!waits && guest.place) {
    line.erase(*guest.place);
    guest.place.reset();
  }
}

void WorkerRoom::serve(const std::function<bool(Worker&)>& give) {
  std::vector<Group*> open;
  for (auto& [key, group] : groups_)
    if (!group.waiting.empty()) open.push_back(&group);
  if (open.empty()) return;
  std::rotate(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(turns_++ % open.size()),
              open.end());
  const auto is_served = [&give, this](Group* group) {
    std::list<WorkerId>& line = group->waiting;
    if (line.empty()) return true;
    line.splice(line.end(), line, line.begin());  // the next time it is another's turn
    Worker* worker = find(line.back());
    TANDEM_ASSERT(worker != nullptr);
    const bool is_given = give(*worker);
    if (!is_given) line.splice(line.begin(), line, std::prev(line.end()));  // it keeps its turn
    return !is_given;
  };
  while (!open.empty()) std::erase_if(open, is_served);
}

std::pair<std::size_t, int> WorkerRoom::waiting_counts() const {
  std::pair<std::size_t, int> counts;
  for (const auto& [key, group] : groups_) {
    if (group.waiting.empty()) continue;
    ++counts.first;
    counts.second += group.slots;
  }
  return counts;
}

std::vector<wire::FreeSlots::Group> WorkerRoom::free_slots() const {
  std::vector<wire::FreeSlots::Group> free;
  for (const auto& [key, group] : groups_) {
    if (group.waiting.empty()) continue;
    WorkerProfile& profile = free.emplace_back().profile;
    profile.channel = key.channel;
    profile.labels = key.labels;
    profile.job_types = key.job_types;
    profile.queues = key.queues;
    free.back().slots = group.slots;
  }
  return free;
}

std::vector<const WorkerProfile*> WorkerRoom::waiting() const {
  std::vector<const WorkerProfile*> profiles;
  for (const auto& [key, group] : groups_)
    if (!group.waiting.empty())
      profiles.push_back(&guests_.at(group.waiting.front()).worker.profile);
  return profiles;
}

}  // namespace tandem::queue
