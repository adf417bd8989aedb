#pragma once

#include <atomic>
#include <cstdint>
#include <shared_mutex>
#include <unordered_set>

#include "base/id.h"
#include "base/result.h"
#include "store/task_reader.h"

namespace tandem::api {

// The clients that exist, in memory: an access token outlives its client, but is worth nothing
// then. Thread-safe.
class LiveClients {
 public:
  // Reads all of them; blocks. Errors: store_unavailable. May be repeated.
  Result<void> load(store::TaskReader& reader);
  bool is_loaded() const { return loaded_.load(std::memory_order_acquire); }

  // Reads whether there is this one, that is not known yet; blocks. Errors: store_unavailable.
  Result<void> look_for(store::TaskReader& reader, ClientId id);

  bool contains(ClientId id) const;
  void add(ClientId id);
  void remove(ClientId id);

 private:
  std::atomic<bool> loaded_{false};
  std::atomic<std::uint64_t> changes_{0};
  mutable std::shared_mutex mutex_;
  std::unordered_set<ClientId> ids_;  // guarded by mutex_
};

}  // namespace tandem::api
