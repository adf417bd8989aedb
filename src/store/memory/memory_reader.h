#pragma once

#include <string>
#include <vector>

#include "store/memory/memory_state.h"

namespace tandem::store {

// Reads what is committed, from any thread.
class MemoryReader final : public TaskReader {
 public:
  explicit MemoryReader(MemoryState& state) : state_(state) {}
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
  Result<void> enter() const;  // with the mutex held
  MemoryState& state_;
};

}  // namespace tandem::store
