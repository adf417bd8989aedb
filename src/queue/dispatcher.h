#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "queue/commands.h"
#include "queue/connected.h"
#include "queue/deadlines.h"
#include "queue/dispatcher_settings.h"
#include "queue/ready_lanes.h"
#include "queue/task_table.h"
#include "store/store.h"

namespace tandem::queue {

// What a turn hands back, by the outbox it goes to, in order.
using Deliveries = std::map<Outbox*, std::vector<Outbox::Delivery>>;

// The heart: everything that changes a task goes through a turn of it.
//
//   commands → what is due → assignments → one commit → answers, orders, events
//
// It holds in memory what is leased and the front of what is pending; the store has everything. The
// turn changes memory, then writes the changes guarded by status and attempt; where the commit
// fails, memory is read anew and every command of the turn is answered with the store's error. One
// thread, no locks; time comes from the clock only, so that a simulator can run it.
class Dispatcher {
 public:
  Dispatcher(store::Store& store, const Clock& clock, DispatcherSettings settings);

  // One turn. An empty list of commands does what is due.
  void turn(std::vector<Command> commands, Deliveries& out);
  // When the next turn is due even if no command comes; kNever: when one comes.
  MonoTime next_turn() const { return next_turn_; }

 private:
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

  // worker_commands.cc
  void apply(Outbox* outbox, OpenWorker& command);
  void apply(Outbox* outbox, Ready& command);
  void apply(Outbox* outbox, CloseWorker& command);
  void apply(Outbox* outbox, Update& command);
  void apply(Outbox* outbox, Heartbeat& command);
  Result<UpdateAnswer> update(Update& command);
  Result<UpdateAnswer> repeated_final(const Update& command, const Task& task) const;
  Result<void> change_status(Update& command, Entry& entry);
  void note(Update& command, Task& task) const;
  void renew(Entry& entry);
  UpdateAnswer answer_of(const Entry& entry) const;

  // due_work.cc
  Result<void> do_what_is_due();
  Result<void> promote_scheduled();
  Result<void> fail_queue_expired();
  void expire_deadlines();
  void ended(Entry& entry);  // the attempt ended: answers the removals that wait for it

  // assignment.cc
  void queue_up(Entry& entry);  // it is pending: assignable from the next turn on
  void unqueue(Entry& entry);   // it is pending no more
  void assign_ready();
  bool assign_one(Worker& worker);
  void hand_over(Worker& worker, Entry& entry);
  Result<void> read_lanes();
  void order(WorkerId worker, WorkerOrder what);
  void offer_again(WorkerId worker);
  void order_again();

  // dispatcher.cc
  Result<void> load();
  Result<void> keep_leased(Task task);
  Result<void> commit();
  void owe_callbacks();
  Result<void> run_transactions();
  void finish_turn(const Result<void>& committed, Deliveries& out);
  void publish();
  void plan_next_turn();
  template <class T>
  void answer(Outbox* outbox, Done<T>& done, Result<T> value);

  store::Store& store_;
  const Clock& clock_;
  const DispatcherSettings settings_;
  bool loaded_ = false, announce_all_ = false;
  bool recovered_ = false;  // what the server's last run left behind is dealt with

  // Memory of what the store has.
  TaskTable tasks_;
  ReadyLanes lanes_;
  Deadlines deadlines_;
  std::optional<WallTime> next_due_, next_queue_expiry_;
  bool lanes_want_reading_ = false;

  // Those who are connected; outlives a reload.
  std::map<WorkerId, Worker> workers_;
  std::unordered_map<TaskId, std::vector<Watcher>> watchers_;
  WorkerId last_served_;
  std::pair<Outbox*, std::function<void()>> callback_watcher_;  // empty: nobody watches

  // The turn under way.
  WallTime now_;
  MonoTime mono_;
  store::TaskBatch batch_;
  std::vector<std::pair<Outbox*, Transact>> transactions_;
  std::vector<Result<void>> transaction_results_;
  std::vector<Answer> answers_;
  std::vector<std::pair<Outbox*, Outbox::Delivery>> orders_;
  std::vector<TaskId> order_again_;
  std::vector<WorkerId> slots_taken_;
  std::vector<TaskId> to_queue_;  // pending, assignable from the next turn on
  bool next_turn_now_ = false;
  MonoTime next_turn_{0};
};

// Pending answers take the commit's error in place of their value.
template <class T>
void Dispatcher::answer(Outbox* outbox, Done<T>& done, Result<T> value) {
  if (!done) return;
  auto give = [done = std::move(done), value = std::move(value)](const Error* error) mutable {
    done(error == nullptr ? std::move(value) : Result<T>(*error));
  };
  answers_.push_back({outbox, std::move(give)});
}

}  // namespace tandem::queue
