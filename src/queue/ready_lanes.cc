#include "queue/ready_lanes.h"

#include <tuple>

#include "base/assert.h"

namespace tandem::queue {

void ReadyLanes::add_unread(const LaneKey& key) {
  Lane& lane = lanes_[key];
  lane.key = key;
  lane.complete = false;
}

std::optional<Place> ReadyLanes::add(const LaneKey& key, const Place& place) {
  const auto [found, made] = lanes_.try_emplace(key);
  Lane& lane = found->second;
  if (made) lane.key = key;
  const bool behind = lane.places.empty() || *lane.places.rbegin() < place;
  if (!lane.complete && behind) return place;
  lane.places.insert(place);
  if (lane.places.size() <= window_) return std::nullopt;
  const Place last = *lane.places.rbegin();
  lane.places.erase(std::prev(lane.places.end()));
  lane.complete = false;
  return last;
}

void ReadyLanes::remove(const LaneKey& key, const Place& place) {
  const auto found = lanes_.find(key);
  if (found == lanes_.end()) return;
  found->second.places.erase(place);
  drop_if_empty(found);
}

void ReadyLanes::clear() {
  lanes_.clear();
  served_.clear();
}

ReadyLanes::Lane* ReadyLanes::pick(const WorkerProfile& worker) {
  Lane* best = nullptr;
  std::tuple<int, std::uint64_t, TaskId> best_rank;
  for (auto& [key, lane] : lanes_) {
    if (!may_take(worker, key)) continue;
    if (needs_read(lane)) return &lane;
    const Place& front = *lane.places.begin();
    const auto served = served_.find(key.client_id);
    const std::tuple rank{-front.priority, served == served_.end() ? 0 : served->second,
                          front.task_id};
    if (best != nullptr && best_rank <= rank) continue;
    best = &lane;
    best_rank = rank;
  }
  return best;
}

void ReadyLanes::fill(Lane& lane, const std::vector<Place>& places, bool more) {
  TANDEM_ASSERT(needs_read(lane));
  lane.places.insert(places.begin(), places.end());
  lane.complete = !more;
  drop_if_empty(lanes_.find(lane.key));
}

Place ReadyLanes::take_front(Lane& lane) {
  TANDEM_ASSERT(!lane.places.empty());
  const Place front = *lane.places.begin();
  lane.places.erase(lane.places.begin());
  served_[lane.key.client_id] = ++serves_;
  drop_if_empty(lanes_.find(lane.key));
  return front;
}

void ReadyLanes::drop_if_empty(LaneIter lane) {
  if (!lane->second.places.empty() || !lane->second.complete) return;
  lanes_.erase(lane);
  if (lanes_.empty()) served_.clear();
}

}  // namespace tandem::queue
