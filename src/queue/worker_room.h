#pragma once

#include <compare>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/outbox.h"
#include "queue/worker_channels.h"
#include "wire/peer_letters.h"

namespace tandem::queue {

// A poll that waits for its answer.
struct Poll {
  Claimed value;  // what this turn gives it
  MonoTime until;
  Done<Claimed> done;
};

// A worker that is connected to this server: by a channel that stays open, or by a poll.
struct Worker {
  WorkerProfile profile;
  ChannelNumber channel = 0;
  Outbox* outbox = nullptr;
  std::function<void(WorkerOrder)> order;  // of a channel; empty: a poll
  std::optional<Poll> poll;
  int slots_free = 0;
};

// The connected workers. Those that can take the same tasks stand in one group, so that who is to
// get a task is found without looking at each of thousands that wait. One thread.
class WorkerRoom {
 public:
  Worker* find(WorkerId id);
  Worker& put(Worker worker);  // in place of the worker's channel before
  void remove(WorkerId id);
  void set_slots(Worker& worker, int slots);
  bool set_draining(WorkerId id, bool draining);  // true: it was otherwise
  std::vector<WorkerId> workers() const;

  // Calls `give` with one waiting worker of each group in turn, until it has answered false for
  // every group or nobody waits. true: it has set the worker's slots.
  void serve(const std::function<bool(Worker&)>& give);
  // When the first poll has waited for long enough; kNever: none waits. And whose it is.
  MonoTime next_poll_end() const { return ends_.empty() ? kNever : ends_.begin()->first; }
  WorkerId first_to_end() const { return ends_.begin()->second; }
  // How many groups there are in which somebody waits, and how many slots they have.
  std::pair<std::size_t, int> waiting_counts() const;
  // The same, by what they can take.
  std::vector<wire::FreeSlots::Group> free_slots() const;
  // The profile of one worker of each group in which somebody waits.
  std::vector<const WorkerProfile*> waiting() const;

 private:
  struct GroupKey {
    WorkerChannel channel = WorkerChannel::push;
    Labels labels;
    std::vector<std::string> job_types, queues;
    auto operator<=>(const GroupKey&) const = default;
  };
  struct Group {
    std::list<WorkerId> waiting;  // the next to be served first
    std::size_t workers = 0;
    int slots = 0;  // of those who wait
  };
  using Groups = std::map<GroupKey, Group>;
  struct Guest {
    Worker worker;
    Groups::iterator group;
    std::optional<std::list<WorkerId>::iterator> place;  // where it waits
    int counted = 0;                                     // slots, in its group
  };

  void stand(Guest& guest);  // in or out of its group's line, as its slots say

  std::unordered_map<WorkerId, Guest> guests_;
  Groups groups_;
  std::set<std::pair<MonoTime, WorkerId>> ends_;  // of the polls
  std::size_t turns_ = 0;  // so that not the same group is served first each time
};

}  // namespace tandem::queue
