#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace tandem::store {

namespace postgres {
class PostgresAccounts;
class PostgresPeers;
class PostgresWorkers;
class Session;
class TaskWriter;
}  // namespace postgres

// A server of an installation, as the database knows it.
struct ServerIdentity {
  ServerId server_id;  // the same whenever this server starts again: it owns its tasks by it
  std::string name;    // for people
  WallTime started_at;
};

// Tasks in the schema `tandem` of a PostgreSQL database, over one connection. What the dispatcher
// looks through (leased, pending, due, expired) is what this server owns; single tasks of others
// can be read, and are changed by their owners alone. Threads as in Store. No call blocks for much
// more than a second: a database that does not answer is store_unavailable, and the next call tries
// a new connection.
class PostgresStore final : public Store {
 public:
  // Makes the schema or brings it up to date. store_unavailable, with a sentence for the operator:
  // it can't be reached or used, or a newer version of the program made it; validation_failed: the
  // URL. No sentence holds the password.
  static Result<std::unique_ptr<PostgresStore>> open(const std::string& url,
                                                     const ServerIdentity& server);
  ~PostgresStore() override;

  Result<void> begin() override;
  Result<std::vector<std::uint8_t>> apply(const TaskBatch& batch) override;
  AccountStore& accounts() override;
  WorkerStore& workers() override;
  PeerStore* peers() override;
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
  PostgresStore(std::unique_ptr<postgres::Session> session, const ServerIdentity& server);
  const ServerId server_;
  std::unique_ptr<postgres::Session> session_;
  std::unique_ptr<postgres::TaskWriter> writer_;
  std::unique_ptr<postgres::PostgresAccounts> accounts_;
  std::unique_ptr<postgres::PostgresWorkers> workers_;
  std::unique_ptr<postgres::PostgresPeers> peers_;
};

}  // namespace tandem::store
