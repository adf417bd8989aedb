#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/memory/memory_state.h"

namespace tandem::store {

// Registered workers, over the shared state.
class MemoryWorkers final : public WorkerStore {
 public:
  explicit MemoryWorkers(MemoryState& state) : state_(state) {}
  Result<void> insert_worker(const WorkerRecord& worker) override;
  Result<std::optional<WorkerRecord>> find_worker(WorkerId id) override;
  Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after, int limit) override;
  Result<bool> replace_token(WorkerId id, const WorkerTokens& tokens) override;
  Result<bool> set_draining(WorkerId id, bool draining) override;
  Result<bool> revoke_worker(WorkerId id, WallTime now, const std::string& reason) override;
  Result<void> see_workers(std::span<const Sighting> sightings) override;

 private:
  template <class Change>
  Result<bool> change(WorkerId id, Change apply);
  MemoryState& state_;
};

}  // namespace tandem::store
