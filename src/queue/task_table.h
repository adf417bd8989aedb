#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/outbox.h"
#include "queue/commands.h"
#include "store/store.h"

namespace tandem::queue {

// A task in the dispatcher's memory: leased, or pending within a lane's window, or touched by the
// turn under way.
struct Entry {
  std::shared_ptr<Task> task;
  bool shared = false;              // handed out: the next edit works on a copy
  bool dirty = false;               // differs from its row, or has none yet
  bool inserted = false;            // has no row yet
  bool removed = false;             // its row goes with this turn
  bool in_window = false;           // stands in ReadyLanes
  std::uint32_t guard_attempt = 0;  // of the row, while dirty
  TaskStatus guard_status = TaskStatus::pending;

  MonoTime deadline = kNever;    // of the offer or the lease; kNever: held without one
  MonoTime offer_ends = kNever;  // however often it is given again
  std::uint64_t next_input_seq = 1;
  std::uint64_t input_seq = 0;  // the last piece that the worker has said to have
  bool has_news = false;        // for its worker, who polls
  std::vector<std::pair<Outbox*, Done<TaskPtr>>> removals;  // answered when the attempt has ended
};

// The tasks in memory and what the turn has changed about them. One thread.
class TaskTable {
 public:
  explicit TaskTable(store::Store& store) : store_(store) {}

  Entry* find(TaskId id);  // in memory only
  // In memory, else read from the store; null where there is no such task. not for hot paths.
  Result<Entry*> load(TaskId id);
  Entry& insert(Task task);  // a new one, written with this turn
  Entry& keep(Task task);    // one that the store has already
  // The entry of a row that was just read: the one in memory, where there is one; null where it
  // goes with this turn.
  Entry* admit(Task row);
  // The task to change; it is written with this turn.
  Task& edit(Entry& entry);
  void remove(Entry& entry);
  // Lets settle() decide whether it stays in memory.
  void look_at(const Entry& entry) { read_.push_back(entry.task->task_id); }
  static TaskPtr share(Entry& entry);

  // What was only looked at and is another server's: it is read again when it is asked for again.
  void forget_foreign();

  // What the turn has changed, in order; borrowed until settle().
  void collect(store::TaskBatch& batch) const;
  const std::vector<TaskId>& touched() const { return touched_; }
  // After the commit: forgets what need not stay in memory.
  void settle();
  void clear();
  std::size_t size() const { return entries_.size(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }

 private:
  void touch(Entry& entry);
  static bool stays(const Entry& entry);

  store::Store& store_;
  std::unordered_map<TaskId, Entry> entries_;
  std::vector<TaskId> touched_;  // each once
  std::vector<TaskId> read_;     // for settle() to look at
};

}  // namespace tandem::queue
