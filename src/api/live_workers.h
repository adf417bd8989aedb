#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/id.h"
#include "base/result.h"
#include "store/task_reader.h"

namespace tandem::api {

using WorkerPtr = std::shared_ptr<const store::WorkerRecord>;

// All registered workers, in memory, by their ids and by the SHA-256 of their tokens; revoked ones
// too. Thread-safe.
class LiveWorkers {
 public:
  // Reads all of them; blocks. Errors: store_unavailable. May be repeated.
  Result<void> load(store::TaskReader& reader);
  bool is_loaded() const { return loaded_.load(std::memory_order_acquire); }

  // Reads whose token this is, where it is not known yet; blocks. Errors: store_unavailable.
  Result<void> look_for(store::TaskReader& reader, const std::string& token_sha256);

  // Whose token it is; never null. Errors: token_invalid, token_expired for a replaced token whose
  // time is over, token_revoked. A text that can't be a worker's token costs no lookup.
  Result<WorkerPtr> authenticate(std::string_view token, WallTime now) const;
  // For how much longer a token is good, by its digest: kForever unless it was replaced. Errors as
  // above.
  Result<std::int64_t> good_for_ms(const std::string& sha256, WallTime now) const;
  static constexpr std::int64_t kForever = INT64_MAX;
  bool knows(const std::string& token_sha256) const;  // also of a revoked worker
  WorkerPtr find(WorkerId id) const;                  // null: there is none
  // How many the client has registered that are not revoked.
  std::size_t count_of(ClientId client) const;

  // A change of a worker takes its number within its transaction, so that numbers are in the order
  // of the commits, and the record in which it ended is put once the commit is durable. A record
  // that comes after one of a later change is dropped.
  std::uint64_t next_change() { return ++changes_; }
  void put(WorkerPtr worker, std::uint64_t change);

 private:
  struct Entry {
    WorkerPtr worker;
    std::uint64_t change = 0;
  };
  Result<WorkerPtr> find_token(const std::string& sha256, WallTime now) const;
  void add_tokens(const WorkerPtr& worker);
  void drop_tokens(const store::WorkerRecord& worker);

  std::atomic<bool> loaded_{false};
  std::atomic<std::uint64_t> changes_{0};
  mutable std::shared_mutex mutex_;
  std::unordered_map<WorkerId, Entry> workers_;           // guarded by mutex_
  std::unordered_map<std::string, WorkerPtr> by_sha256_;  // guarded by mutex_
  std::unordered_map<ClientId, std::size_t> counts_;      // guarded by mutex_; not revoked ones
};

}  // namespace tandem::api
