#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "core/lane.h"
#include "core/task.h"
#include "wire/decoded.h"
#include "wire/worker_state.h"

// What is said about workers: to admins, and where a token is changed or taken away.
namespace tandem::wire {

// `away`: it has registered, and is on no channel now.
enum class WorkerStatus : std::uint8_t { connected, away, draining, revoked };
std::string_view to_string(WorkerStatus status);

struct WorkerView {
  WorkerId worker_id;
  std::string name, mode;
  Labels labels;
  std::vector<std::string> job_types, queues;
  int slots = 1;
  std::string version, host;  // empty: null
  WorkerStatus status = WorkerStatus::away;
  std::optional<WorkerChannel> channel;  // none: null
  std::vector<HeldTask> tasks;
  WallTime created_at;
  std::optional<WallTime> last_seen_at, revoked_at;
  std::string revoke_reason;  // empty: null
};
void encode_worker(const WorkerView& worker, std::string& out);

// POST …/token
struct RotatedToken {
  std::string worker_token;
  WallTime previous_valid_until;
};
std::string encode_rotated_token(const RotatedToken& answer);
Result<RotatedToken> decode_rotated_token(std::string_view body);  // bad_json, bad_request
// The body of an address that wants none but takes an object: {} or nothing.
Decoded<void> decode_empty(std::string_view body);

// POST …/polling/revoke
struct Revocation {
  WorkerId worker_id;
  std::string reason;  // empty: not said
};
Decoded<Revocation> decode_revocation(std::string_view body);
// POST …/workers/{id}/revoke: {reason?} or nothing.
Decoded<std::string> decode_revoke_reason(std::string_view body);

}  // namespace tandem::wire
