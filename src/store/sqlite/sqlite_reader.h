#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/task_reader.h"

namespace tandem::store {

class Connection;

// Reads over a few connections of its own; a call waits for a free one. Needs a SqliteStore of the
// same file, open before it and closed after it. Thread-safe.
class SqliteReader final : public TaskReader {
 public:
  static Result<std::unique_ptr<SqliteReader>> open(const std::string& path, int connections = 4);
  ~SqliteReader() override;

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
  SqliteReader();
  std::vector<std::unique_ptr<Connection>> connections_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Connection*> free_;  // guarded by mutex_
};

}  // namespace tandem::store
