#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "store/store.h"
#include "store/task_reader.h"

namespace tandem::store {

struct MemoryState;
class MemoryAccounts;
class MemoryPeers;
class MemoryReader;
class MemoryStore;
class MemoryWorkers;

// The rows of several stores, as servers share a database.
class MemoryDatabase {
 public:
  MemoryDatabase();
  // A store for a server that starts now; both outlive what it answers.
  std::unique_ptr<MemoryStore> open(ServerId server, const Clock& clock);

 private:
  std::shared_ptr<MemoryState> state_;
};

// Where a failing commit fails: before anything of it is there, or with all of it there.
enum class CommitFault { before, after };

// A store without a disk, for tests and the simulator. It keeps what is committed apart from what
// is not, and fails where it is told to. Same threads as Store; reader() is thread-safe.
class MemoryStore final : public Store {
 public:
  MemoryStore();  // of a server that is alone, with rows of its own
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  // Sees what is committed. Lives as long as the store.
  TaskReader& reader();

  // Faults. Calls are those of Store, accounts() and workers() that can fail, commit included. The
  // n-th from now (1: the next) fails once, having done nothing.
  void fail_call(std::uint64_t n, Errc code = Errc::store_unavailable);
  void fail_commit(std::uint64_t n, CommitFault when, Errc code = Errc::store_unavailable);
  // Every call, and every read of reader(), fails until it is set to none.
  void set_down(std::optional<Errc> code);
  void clear_faults();
  std::uint64_t calls() const;    // made so far, failed ones included
  std::uint64_t commits() const;  // that took effect
  // As if the process died and came back: what is not committed is lost, faults are cleared.
  void crash();

  Result<void> begin() override;
  Result<std::vector<std::uint8_t>> apply(const TaskBatch& batch) override;
  AccountStore& accounts() override;
  WorkerStore& workers() override;
  Result<void> commit() override;
  void rollback() override;
  PeerStore* peers() override;

  Result<std::vector<Task>> load(std::span<const TaskId> ids) override;
  Result<std::vector<Task>> load_leased() override;
  Result<std::vector<LaneKey>> pending_lanes() override;
  Result<std::vector<Task>> load_pending(const LaneKey& lane, const LanePosition* after,
                                         int limit) override;
  Result<std::vector<Task>> load_due(WallTime now, int limit) override;
  Result<std::optional<WallTime>> next_due() override;
  Result<std::vector<Task>> load_queue_expired(WallTime now, int limit) override;
  Result<std::optional<WallTime>> next_queue_expiry() override;
  Result<std::optional<IdempotencyRow>> find_idempotency(ClientId client,
                                                         const std::string& key) override;
  Result<std::optional<TaskId>> find_unique(ClientId client, const std::string& key) override;
  Result<std::vector<InputPiece>> load_inputs(TaskId task, std::uint32_t attempt,
                                              std::uint64_t after_seq) override;
  Result<std::int64_t> expire_idempotency(WallTime before, int limit) override;
  Result<std::vector<TaskId>> load_finished_before(WallTime before, int limit) override;

 private:
  friend class MemoryDatabase;
  MemoryStore(std::shared_ptr<MemoryState> state, ServerId server, const Clock* clock);
  std::vector<Task> rows_until(const std::set<std::pair<WallTime, TaskId>>& order, WallTime now,
                               int limit) const;
  Task seen_here(const Task& row) const;

  const std::shared_ptr<MemoryState> state_;
  const ServerId server_;
  std::unique_ptr<MemoryPeers> peers_;  // none: it is alone
  std::unique_ptr<MemoryAccounts> accounts_;
  std::unique_ptr<MemoryWorkers> workers_;
  std::unique_ptr<MemoryReader> reader_;
};

}  // namespace tandem::store
