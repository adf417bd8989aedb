#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/lane.h"

namespace tandem::queue {

// The order within a lane: higher priority first, then the older task.
struct Place {
  int priority = 0;
  TaskId task_id;
  bool operator==(const Place&) const = default;
  bool operator<(const Place& other) const {
    return priority != other.priority ? priority > other.priority : task_id < other.task_id;
  }
};

// The front of what is pending, in memory: per lane a window of at most `window` places. What lies
// behind a window is in the store only, and is read when the window has run out; so a backlog of
// any length costs the same.
class ReadyLanes {
 public:
  struct Lane {
    LaneKey key;
    std::set<Place> places;
    bool complete = true;  // nothing of this lane lies behind the window
  };
  using LaneIter = std::map<LaneKey, Lane>::iterator;

  explicit ReadyLanes(std::size_t window) : window_(window) {}

  // A lane that the store knows to have pending tasks, none of which is in memory yet.
  void add_unread(const LaneKey& key);
  // A task became pending. Answers the places that fell out of the window: maybe this one.
  std::optional<Place> add(const LaneKey& key, const Place& place);
  void remove(const LaneKey& key, const Place& place);
  void clear();
  bool empty() const { return lanes_.empty(); }

  // The lane whose front this worker is to be given next: highest priority; among equals the client
  // that was served the longest ago; then the older task. A lane that must be read first is
  // answered as well: see needs_read().
  Lane* pick(const WorkerProfile& worker);
  static bool needs_read(const Lane& lane) { return lane.places.empty() && !lane.complete; }
  // The answer of the store to a read of this lane; `more`: there may be tasks behind these.
  void fill(Lane& lane, const std::vector<Place>& places, bool more);
  // Takes the front; the lane may be gone afterwards.
  Place take_front(Lane& lane);

 private:
  void drop_if_empty(LaneIter lane);

  const std::size_t window_;
  std::map<LaneKey, Lane> lanes_;
  std::unordered_map<ClientId, std::uint64_t> served_;  // when each was served last
  std::uint64_t serves_ = 0;
};

}  // namespace tandem::queue
