#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "queue/commands.h"
#include "queue/deadlines.h"
#include "queue/dispatcher_settings.h"
#include "queue/held_tasks.h"
#include "queue/peers.h"
#include "queue/ready_lanes.h"
#include "queue/sightings.h"
#include "queue/turn.h"
#include "queue/watchers.h"
#include "queue/worker_room.h"

namespace tandem::queue {

// The heart: everything that changes a task goes through a turn of it.
//
//   commands → what is due → assignments → one commit → answers, orders, events
//
// It holds in memory what is leased and the front of what is pending. A turn's changes are written
// guarded by status and attempt; where the commit fails, memory is read anew and every command gets
// the store's error. One thread; time comes from the clock alone: a simulator can run it.
class Dispatcher {
 public:
  Dispatcher(store::Store& store, const Clock& clock, DispatcherSettings settings);

  // One turn. An empty list of commands does what is due.
  void turn(std::vector<Command> commands, Deliveries& out);
  void last_turn();  // after the others: writes what is else written now and then only
  // When the next turn is due even if no command comes; kNever: when one comes.
  MonoTime next_turn() const { return loaded_ && peers_.owes() ? MonoTime{0} : next_turn_; }

 private:
  friend class Peers;

  // client_commands.cc
  void apply(Outbox* outbox, Submit& command);
  void apply(Outbox* outbox, Cancel& command);
  void apply(Outbox* outbox, Retry& command);
  void apply(Outbox* outbox, Remove& command);
  void apply(Outbox* outbox, Input& command);
  void apply(Outbox* outbox, Resize& command);
  void apply(Outbox* outbox, Watch& command);
  void apply(Outbox* outbox, Unwatch& command);
  void apply(Outbox* outbox, Transact& command);
  void apply(Outbox* outbox, Purge& command);
  void apply(Outbox* outbox, ExpireIdempotency& command);
  void apply(Outbox* outbox, WatchCallbacks& command);
  void apply(Outbox* outbox, CallbackTried& command);
  Result<Submitted> submit(Submit& command);
  Result<std::optional<Submitted>> replay(const Submit& command);
  Result<std::optional<TaskId>> same_unique_key(const Submit& command, const std::string& key);
  Result<Cancelled> cancel(const Cancel& command);
  Result<TaskPtr> retry(const Retry& command);
  Result<TaskPtr> input(Input& command);
  Result<Entry*> owned(const Actor& actor, TaskId id);
  void ask_to_stop(Entry& entry);

  // worker_updates.cc
  void apply(Outbox* outbox, Update& command);
  void apply(Outbox* outbox, Heartbeat& command);
  void apply(Outbox* outbox, CheckLease& command);
  void apply(Outbox* outbox, AddOutput& command);
  Result<UpdateAnswer> update(Update& command);
  Result<void> change_status(Update& command, Entry& entry);
  Result<Entry*> leased(WorkerId worker, const Lease& lease);
  void renew(Entry& entry);
  void set_deadline(Entry& entry, MonoTime deadline);
  Result<UpdateAnswer> answer_of(Entry& entry, std::optional<std::uint64_t> input_seq);

  // worker_channels.cc
  void apply(Outbox* outbox, OpenWorker& command);
  void apply(Outbox* outbox, Ready& command);
  void apply(Outbox* outbox, Retire& command);
  void apply(Outbox* outbox, CloseWorker& command);
  void apply(Outbox* outbox, Claim& command);
  void apply(Outbox* outbox, Unclaim& command);
  void apply(Outbox* outbox, ReviewWorkers& command);
  Worker* on_channel(WorkerId worker, ChannelNumber channel);
  void let_in(Worker worker);
  std::vector<Entry*> offers_to(WorkerId worker);
  AssignOrder offer_again(Entry& entry);
  wire::WorkerState state_of(WorkerId worker);
  void give_back(Entry& entry);
  void review_all();
  void review(WorkerId worker);
  void revoke(WorkerId worker);
  void answer_polls();
  void answer_poll(WorkerId worker);

  // due_work.cc
  Result<void> do_what_is_due();
  Result<void> promote_scheduled();
  Result<void> fail_queue_expired();
  void expire_deadlines();
  void ended(Entry& entry);  // the attempt ended: answers the removals that wait for it

  // assignment.cc
  void queue_up(Entry& entry);  // it is pending: assignable from the next turn on
  void stand_in_lane(Entry& entry);
  void unqueue(Entry& entry);  // it is pending no more
  void assign_ready();
  bool assign_one(Worker& worker);
  Entry* take_next(const WorkerProfile& profile);
  void hand_over(Worker& worker, Entry& entry);
  Result<void> read_lanes();
  AssignOrder offer_of(Entry& entry) const;
  void order(WorkerId worker, WorkerOrder what);
  void tell(Entry& entry, WorkerOrder news);
  void order_again();

  // dispatcher.cc
  void apply(Command& command);
  Result<void> load();
  Result<void> keep_leased(Entry& entry);
  Result<void> begin();
  Result<void> commit();
  Result<void> run_transactions();
  void finish_turn(const Result<void>& committed, Deliveries& out);
  void publish();
  void plan_next_turn();

  store::Store& store_;
  const Clock& clock_;
  const DispatcherSettings settings_;
  bool loaded_ = false, announce_all_ = false, lanes_want_reading_ = false;
  bool recovered_ = false;  // what the server's last run left behind is dealt with

  // Memory of what the store has.
  TaskTable tasks_;
  ReadyLanes lanes_;
  Deadlines deadlines_;
  HeldTasks held_{tasks_};
  std::optional<WallTime> next_due_, next_queue_expiry_;

  // Those who are connected; outlives a reload.
  WorkerRoom room_;
  Sightings sightings_;
  Watchers watchers_;

  Turn turn_;  // the one under way
  MonoTime next_turn_{0};
  Peers peers_;
};

}  // namespace tandem::queue
