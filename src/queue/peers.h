#pragma once

#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "queue/coming_worker.h"
#include "queue/commands.h"
#include "queue/direct_outbox.h"
#include "queue/peer_asks.h"
#include "queue/peer_guests.h"
#include "wire/peer_letters.h"

namespace tandem::queue {

class Dispatcher;
struct Entry;

// The part of the dispatcher that deals with the other servers of the installation. A task is held
// by one server, which alone changes it, so:
//
//   what a client asks of another's task   goes to its holder as a letter, and comes back answered
//   a worker that speaks to this server    draws its tasks to it, given or not; until then it waits
//   workers here that have nothing to do   are told to the others, who give what they can't place
//   a server that is silent for too long   is dead: what it held is taken over
//
// A letter is written, and read, by the commit that does what it is about. One thread.
class Peers {
 public:
  Peers(Dispatcher& dispatcher, store::PeerStore* store);
  bool any() const { return !alive_.empty(); }

  // Around a turn's commands, and its commit.
  Result<void> begin_turn();
  Result<void> read_letters();  // what they ask for is done, as commands are
  void end_turn();
  void turn_ended(bool is_committed);
  MonoTime next_turn() const;
  bool owes() const { return !owed_.empty(); }  // a letter

  // True where another server holds the task: the command is under way there, or was refused.
  bool pass_on(Outbox* outbox, Cancel& command);
  bool pass_on(Outbox* outbox, Input& command);
  bool pass_on(Outbox* outbox, Resize& command);
  bool pass_on(Outbox* outbox, Remove& command);
  // True where the worker holds a task of it at another server: it waits until that is here.
  bool wait_for_tasks(Outbox* outbox, Update& command);
  bool wait_for_tasks(Outbox* outbox, Heartbeat& command);
  bool wait_for_tasks(Outbox* outbox, CheckLease& command);
  bool wait_for_tasks(Outbox* outbox, AddOutput& command);
  void watch(const Entry& entry);  // somebody here does
  void serve_guests();             // to workers elsewhere, what none here could take
  const PeerGuests& guests() const { return guests_; }
  // Until the turn's commit no other server submits with these keys.
  Result<void> lock_keys(const Submit& command);
  void tell_all(const wire::PeerLetter& letter);
  void apply(Outbox*, Knock&) { is_rung_ = true; }
  void apply(Outbox* outbox, WatchAccounts& command);
  void apply(Outbox* outbox, InspectWorkers& command);

  // What runs in this process has a lease once another server was seen: each beat renews it, and it
  // ends before another server, which has not heard of this one, runs the task again.
  std::optional<MonoTime> own_lease() const;
  void before_reload();
  bool had_own_job(const Task& task) const;  // before the reload, not by a takeover
  void after_reload();                       // stops what is not this server's any more

 private:
  struct Seen {  // a watched task that is not in memory, as its watchers have seen it
    WallTime updated_at;
    TaskStatus status = TaskStatus::pending;
    bool operator==(const Seen&) const = default;
  };
  // peers.cc
  Result<void> beat();
  void meet(const std::vector<store::Peer>& peers);
  Result<void> take_over(const std::vector<store::Peer>& peers);
  Result<void> read_mail();
  Result<void> take_submissions();
  void write(ServerId to, const wire::PeerLetter& letter);
  void accounts_may_have_changed();
  void say_free_slots();

  // peer_fleet.cc
  struct Inspection;
  void finish(Inspection& inspection);

  // peer_clients.cc
  using Resolve = PeerAsks<wire::TaskAnswer>::Resolve;
  ServerId holder_for(const Actor& actor, TaskId id);
  void ask(ServerId holder, wire::TaskAsk ask, std::int64_t wait_ms, Resolve resolve);
  Result<TaskPtr> image_of(TaskId id);
  template <class Command>
  bool pass_on(Outbox* outbox, Command& command, wire::TaskAsk ask);
  Result<void> look_at_watched();
  void tell_watchers_elsewhere();
  template <class T>
  Done<T> answer_to(ServerId from, std::uint64_t number);

  // peer_workers.cc
  ServerId holder_of(WorkerId worker, TaskId task, std::uint32_t attempt);
  template <class Command>
  bool wait_at(ServerId holder, Outbox* outbox, Command& command);
  Result<void> draw_tasks();
  void refuse_late();
  void go_on(WorkerId worker);
  void give(Entry& entry, ServerId to);
  Result<void> take(const std::vector<TaskId>& tasks);
  Result<void> keep(Entry& entry);

  // What a letter asks for: of clients, of workers, and the rest.
  Result<void> read(ServerId from, wire::TaskAsk& ask);
  Result<void> read(ServerId from, wire::TaskAnswer& answer);
  Result<void> read(ServerId from, wire::TasksWatched& watched);
  Result<void> read(ServerId from, wire::TasksChanged& changed);
  Result<void> read(ServerId from, wire::WorkerCame& came);
  Result<void> read(ServerId from, wire::TasksGiven& given);
  Result<void> read(ServerId from, wire::FreeSlots& free);
  Result<void> read(ServerId from, wire::AccountsChanged& changed);
  Result<void> read(ServerId from, wire::WorkersAsked& asked);
  Result<void> read(ServerId from, wire::WorkersTold& told);

  Dispatcher& dispatcher_;
  store::PeerStore* const store_;  // null: there can be no others
  std::set<ServerId> alive_;
  MonoTime next_beat_{0}, next_look_{0}, next_telling_{0}, last_beat_{0}, steady_since_{0};
  bool is_rung_ = true, has_more_ = false, has_met_others_ = false, has_adopted_ = false,
       may_have_adopted_ = false;
  std::size_t told_groups_ = 0;
  std::int64_t draws_ = 0;  // as of the last beat

  PeerAsks<wire::TaskAnswer> asks_;
  PeerAsks<wire::WorkersTold> fleet_asks_;
  DirectOutbox own_;                 // for the answers to what others ask
  std::vector<store::Letter> owed_;  // to be written by the next turn
  std::unordered_map<WorkerId, ComingWorker> coming_;
  int rounds_ = 0;  // of the command that goes on
  PeerGuests guests_;
  std::map<ServerId, std::vector<TaskId>> given_;  // this turn, to workers that wait there
  std::map<ServerId, int> told_slots_;             // what is left of what each was told of
  std::unordered_map<TaskId, std::set<ServerId>> watched_elsewhere_;
  std::map<ServerId, std::vector<TaskId>> to_watch_, changed_;  // told at the turn's end
  std::unordered_map<TaskId, Seen> seen_;
  std::pair<Outbox*, std::function<void()>> accounts_watcher_;
  std::vector<LostOrder> own_jobs_;  // held by the worker in this process, before a reload
};

}  // namespace tandem::queue
