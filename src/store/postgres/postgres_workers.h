#pragma once

#include "store/postgres/session.h"
#include "store/worker_store.h"

namespace tandem::store::postgres {

// Registered workers, over the writer's session.
class PostgresWorkers final : public WorkerStore {
 public:
  explicit PostgresWorkers(Session& session) : session_(session) {}
  Result<void> insert_worker(const WorkerRecord& worker) override;
  Result<std::optional<WorkerRecord>> find_worker(WorkerId id) override;
  Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after, int limit) override;
  Result<bool> replace_token(WorkerId id, const WorkerTokens& tokens) override;
  Result<bool> set_draining(WorkerId id, bool draining) override;
  Result<bool> revoke_worker(WorkerId id, WallTime now, const std::string& reason) override;
  Result<void> see_workers(std::span<const Sighting> sightings) override;

 private:
  Result<bool> change(Statement statement);
  Session& session_;
};

}  // namespace tandem::store::postgres
