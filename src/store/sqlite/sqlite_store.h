#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace tandem::store {

class Connection;
class SqliteAccounts;
class SqliteWorkers;
class TaskWriter;

// Tasks in one SQLite file: write-ahead log, synced at each commit. This connection is the only one
// that writes and checkpoints. Threads as in Store.
class SqliteStore final : public Store {
 public:
  // Makes the file, with mode 0600, or brings its schema up to date. store_unavailable, with a
  // sentence for the operator: it can't be opened, or a newer version of the program made it.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path);
  ~SqliteStore() override;

  Result<void> begin() override;
  Result<std::vector<std::uint8_t>> apply(const TaskBatch& batch) override;
  AccountStore& accounts() override;
  WorkerStore& workers() override;
  Result<void> commit() override;
  void rollback() override;

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
  explicit SqliteStore(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<TaskWriter> writer_;
  std::unique_ptr<SqliteAccounts> accounts_;
  std::unique_ptr<SqliteWorkers> workers_;
};

}  // namespace tandem::store
