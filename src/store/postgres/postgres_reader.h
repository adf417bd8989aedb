#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/task_reader.h"

namespace tandem::store {

namespace postgres {
class Link;
}

// Reads over a few connections of its own, made when they are first needed; a call waits for a free
// one. What is owed is what `server` has to deliver; where it is nil, what anyone has. Needs a
// PostgresStore that was opened on the same database before. Thread-safe. No call blocks for much
// more than two seconds; a list that takes longer is store_unavailable.
class PostgresReader final : public TaskReader {
 public:
  static Result<std::unique_ptr<PostgresReader>> open(const std::string& url, ServerId server,
                                                      int connections = 4);
  ~PostgresReader() override;

  Result<std::optional<Task>> find(TaskId id) override;
  Result<std::vector<Task>> list(const TaskFilter& filter) override;
  Result<TaskStats> stats(std::optional<ClientId> client, WallTime now) override;
  Result<std::vector<Callback>> list_callbacks(std::string_view url_prefix, int limit) override;
  Result<std::optional<Client>> find_client(ClientId id) override;
  Result<std::vector<Client>> list_clients(std::optional<ClientId> after, int limit) override;
  Result<std::optional<WorkerRecord>> find_worker(WorkerId id) override;
  Result<std::optional<WorkerRecord>> find_worker_of(const std::string& token_sha256) override;
  Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after, int limit) override;

 private:
  class Lease;
  explicit PostgresReader(ServerId server);
  const ServerId server_;
  std::vector<std::unique_ptr<postgres::Link>> links_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<postgres::Link*> free_;  // guarded by mutex_
};

}  // namespace tandem::store
