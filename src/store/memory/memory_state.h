#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "store/memory/memory_store.h"
#include "store/memory/memory_table.h"

namespace tandem::store {

using TaskRow = std::shared_ptr<const Task>;

// The orders in which tasks are asked for; follows the rows, uncommitted ones included.
struct TaskOrders {
  using ByTime = std::set<std::pair<WallTime, TaskId>>;
  struct Held {                                                   // by one server
    std::map<LaneKey, std::set<std::pair<int, TaskId>>> pending;  // by minus the priority
    std::set<TaskId> leased;
    ByTime due, queue_expiry;
  };

  std::map<ServerId, Held> held;
  ByTime finished;
  std::map<std::pair<ClientId, std::string>, std::set<TaskId>> unique;

  void add(const Task& task);
  void remove(const Task& task);
};

struct MemoryServer {
  WallTime started_at, seen_at;
  std::int64_t draws = 0;
};
struct MemoryLetter {
  ServerId to;
  ReceivedLetter letter;
};

// What the store, its accounts, its workers and its reader share. All guarded by `mutex`.
struct MemoryState {
  std::mutex mutex;
  bool in_transaction = false;

  MemoryTable<TaskId, TaskRow> tasks;  // each says who holds it, the store's own server too
  TaskOrders orders;
  MemoryTable<std::pair<ClientId, std::string>, IdempotencyRow> idempotency;
  MemoryTable<std::tuple<TaskId, std::uint32_t, std::uint64_t>, InputPiece> inputs;
  MemoryTable<TaskId, Callback> callbacks;
  MemoryTable<ClientId, Client> clients;
  MemoryTable<std::string, RefreshToken> refresh;
  MemoryTable<std::string, std::string> meta;
  MemoryTable<WorkerId, WorkerRecord> workers;
  MemoryTable<std::int64_t, MemoryLetter> letters;
  std::int64_t last_letter = 0;
  std::map<ServerId, MemoryServer> servers;

  std::uint64_t calls = 0, commits = 0;
  std::uint64_t failing_call = 0, failing_commit = 0;  // counted down; 0: none
  Errc call_error{}, commit_error{};
  CommitFault commit_fault = CommitFault::before;
  std::optional<Errc> down;

  // Counts a call; an error where it is to fail.
  Result<void> enter();
  void put_task(TaskRow row);
  void remove_task(const TaskId& id);
  void commit();
  void rollback();
};

}  // namespace tandem::store
