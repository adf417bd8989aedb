#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "core/task.h"

namespace tandem::store {

// A registered worker. Its tokens are known by their SHA-256 only, in lower-case hex.
struct WorkerRecord {
  WorkerId worker_id;
  std::string name;
  std::string mode;  // push, polling or hybrid
  Labels labels;
  std::vector<std::string> job_types, queues;  // empty: any
  int slots = 1;
  std::string version, host;  // empty: not said
  ClientId client_id;         // who registered it
  std::string token_sha256;
  std::string previous_sha256;  // of the token before, good until previous_until; empty: none
  std::optional<WallTime> previous_until;
  WallTime created_at;
  bool draining = false;
  std::optional<WallTime> revoked_at;  // it stays, so that its tokens are told from unknown ones
  std::string revoke_reason;
  std::optional<WallTime> last_seen_at;  // as of when it was last written
  bool operator==(const WorkerRecord&) const = default;
};

// A token and the one that it took the place of, as replace_token() writes them.
struct WorkerTokens {
  std::string token_sha256, previous_sha256;
  WallTime previous_until;
};

// When a worker was heard of.
struct Sighting {
  WorkerId worker_id;
  WallTime seen_at;
};

// Who may work. Writes belong into a transaction of Store. Errors as there.
class WorkerStore {
 public:
  virtual ~WorkerStore() = default;
  virtual Result<void> insert_worker(const WorkerRecord& worker) = 0;  // conflict: id or token
  virtual Result<std::optional<WorkerRecord>> find_worker(WorkerId id) = 0;
  // In order of their ids, revoked ones too.
  virtual Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after,
                                                         int limit) = 0;

  // Each answers false where there is no such worker, or none that is not revoked.
  virtual Result<bool> replace_token(WorkerId id, const WorkerTokens& tokens) = 0;
  virtual Result<bool> set_draining(WorkerId id, bool draining) = 0;
  virtual Result<bool> revoke_worker(WorkerId id, WallTime now, const std::string& reason) = 0;
  // Moves last_seen_at forward, never back. Unknown workers are left out, and so is for this time
  // who is being changed by another server; at most one sighting of each.
  virtual Result<void> see_workers(std::span<const Sighting> sightings) = 0;
};

}  // namespace tandem::store
