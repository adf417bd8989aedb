#pragma once

#include "store/sqlite/connection.h"
#include "store/worker_store.h"

namespace tandem::store {

// Registered workers, over the writing connection.
class SqliteWorkers final : public WorkerStore {
 public:
  explicit SqliteWorkers(Connection& connection) : connection_(connection) {}
  Result<void> insert_worker(const WorkerRecord& worker) override;
  Result<std::optional<WorkerRecord>> find_worker(WorkerId id) override;
  Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after, int limit) override;
  Result<bool> replace_token(WorkerId id, const WorkerTokens& tokens) override;
  Result<bool> set_draining(WorkerId id, bool draining) override;
  Result<bool> revoke_worker(WorkerId id, WallTime now, const std::string& reason) override;
  Result<void> see_workers(std::span<const Sighting> sightings) override;

 private:
  Result<void> write(Query& query);  // runs it, within a transaction only
  Result<bool> change(Query& query);
  Connection& connection_;
};

}  // namespace tandem::store
